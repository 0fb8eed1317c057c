"""``python -m scripts.sandbox``: the outside world on a port of this machine."""

import os
import sys
import threading
import time
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson
import uvicorn

from scripts.sandbox import control
from scripts.sandbox.faults import FaultOrder
from scripts.sandbox.server import App, Vendor, http_server, listening
from scripts.sandbox.settings import HOST, Conditions, Settings
from scripts.sandbox.vendors import MODES, build


def main() -> None:
    """Serve until a signal, or until the parent is gone with ``--with-parent``."""
    settings = _settings(sys.argv[1:])
    vendors = build(settings)
    _arm(vendors, settings.faults)
    try:
        sock = listening(settings.port)
    except OSError as error:
        sys.exit(f"sandbox: port {settings.port} cannot be had ({error.strerror}): choose another")
    routes = [route for vendor in vendors for route in vendor.routes()]
    server = http_server(App([*routes, *control.routes(vendors, time.monotonic)]))
    url = f"http://{HOST}:{sock.getsockname()[1]}"
    print(_ready(url, vendors), flush=True)
    if settings.with_parent:
        threading.Thread(target=_end_with_input, args=(server,), daemon=True).start()
    server.run(sockets=[sock])
    for vendor in vendors:
        vendor.book.close()


def _ready(url: str, vendors: Sequence[Vendor]) -> str:
    addresses = {vendor.name: vendor.base_url(url) for vendor in vendors}
    return orjson.dumps({"url": url, "pid": os.getpid(), "vendors": addresses}).decode()


def _arm(vendors: Sequence[Vendor], faults: Sequence[str]) -> None:
    for text in faults:
        try:
            order = FaultOrder.written(text)
        except ValueError:
            sys.exit(f"sandbox: --fault {text}: the share after the colon is a number from 0 to 1")
        knowing = [vendor for vendor in vendors if order.mode in vendor.modes]
        if not knowing:
            known = ", ".join(sorted(mode for vendor in vendors for mode in vendor.modes))
            sys.exit(f"sandbox: no fault mode {order.mode!r}; there are: {known}")
        for vendor in knowing:
            vendor.faults.arm(order, time.monotonic())


def _end_with_input(server: uvicorn.Server) -> None:
    """Stop when the standard input ends: the parent holds its other end while it lives."""
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    server.should_exit = True


def _settings(arguments: Sequence[str]) -> Settings:
    given = _parser().parse_args(arguments)
    try:
        conditions = Conditions(
            latency=given.latency,
            jitter=given.jitter,
            rpm=given.rpm,
            tpm=given.tpm,
            burst=given.burst,
        )
    except ValueError as error:
        sys.exit(f"sandbox: {error}")
    if given.people < 1:
        sys.exit("sandbox: --people: the market needs one at least")
    return Settings(
        port=given.port,
        seed=given.seed,
        people=given.people,
        conditions=conditions,
        book=given.book,
        faults=tuple(given.fault),
        with_parent=given.with_parent,
    )


def _parser() -> ArgumentParser:
    usual = Conditions()
    parser = ArgumentParser(
        "python -m scripts.sandbox",
        description="Vendors that cost nothing: servers on 127.0.0.1 that speak their protocols. "
        "Prints one line of JSON with its address when it is ready.",
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the answers, the market and the accidents"
    )
    parser.add_argument(
        "--people", type=int, default=Settings.people, help="of whom the lead sources know some"
    )
    parser.add_argument(
        "--latency", type=float, default=usual.latency, help="seconds an answer takes"
    )
    parser.add_argument("--jitter", type=float, default=usual.jitter, help="share of the latency")
    parser.add_argument(
        "--rpm", type=int, default=usual.rpm, help="requests a model takes a minute"
    )
    parser.add_argument("--tpm", type=int, default=usual.tpm, help="tokens a model takes a minute")
    parser.add_argument(
        "--burst", type=float, default=usual.burst, help="seconds of both that may be used at once"
    )
    parser.add_argument("--book", type=Path, help="file that keeps the bill beyond a restart")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="MODE[:SHARE]",
        help="what goes wrong from the start, may be repeated: " + ", ".join(MODES),
    )
    parser.add_argument(
        "--with-parent", action="store_true", help="end when the standard input ends"
    )
    return parser


if __name__ == "__main__":
    main()
