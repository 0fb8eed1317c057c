"""The sandbox as a process of its own, started and steered from Python."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, Self

import httpx
import orjson

from scripts.sandbox.control import PREFIX
from scripts.sandbox.faults import FaultOrder
from scripts.sandbox.settings import Settings

ROOT = Path(__file__).parents[2]
KEY = "sandbox-key"
"""A key that it takes; so is every other that begins with ``sandbox-``."""
_PATIENCE = 10.0


class SandboxError(Exception):
    """The sandbox did not start, or does not do what it is told; the text says why."""


class SandboxProcess:
    """A sandbox that ends with us at the latest; also a context manager.

    It stands in a session of its own, so that Ctrl-C at the terminal ends the engine first.

    Args:
        settings: how it starts; it ends with the parent whatever they say.
        log: where its own complaints go; None for a passing file.
    """

    def __init__(self, settings: Settings | None = None, *, log: IO[Any] | None = None) -> None:
        self._settings = settings or Settings()
        self._log = log
        self._passing: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._client: httpx.Client | None = None
        self._ready: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """The root of every address."""
        return self._told("url")

    @property
    def vendor_urls(self) -> dict[str, str]:
        """The base of every vendor's addresses, by its name."""
        return self._told("vendors")

    @property
    def openai_url(self) -> str:
        """What ``OPENAI_BASE_URL`` has to be."""
        return self.vendor_urls["openai"]

    @property
    def pid(self) -> int:
        """The process."""
        return self._told("pid")

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended since."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> str:
        """Start it and return its `url` once it takes calls.

        Raises:
            SandboxError: if it does not start.
        """
        if self._log is None:
            self._passing = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as it runs)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scripts.sandbox", *_arguments(self._settings)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log or self._passing,
            start_new_session=True,
        )
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            self._process.wait(_PATIENCE)
            told = self._complaint()
            self.stop()
            raise SandboxError(told or "the sandbox did not start")
        self._ready = orjson.loads(line)
        self._client = httpx.Client(base_url=self.url, trust_env=False, timeout=_PATIENCE)
        return self.url

    def stop(self) -> None:
        """End it; nothing happens if it has ended already."""
        if self._client is not None:
            self._client.close()
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.communicate(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        if self._passing is not None:
            self._passing.close()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
        self.stop()

    def health(self) -> dict[str, Any]:
        """Its ``status``, its ``vendors`` and the ``cpu_seconds`` that it has used."""
        return self._asked("GET", "/health")

    def book(self, vendor: str = "openai", *, each: bool = True) -> dict[str, Any]:
        """What it has billed: totals, ``throttled`` and, if ``each``, ``by_call`` by call id."""
        return self._asked("GET", f"/{vendor}/book?each={str(each).lower()}")

    def arm(
        self,
        mode: str,
        *,
        share: float = 1.0,
        count: int | None = None,
        seconds: float | None = None,
        delay: float = 30.0,
        vendor: str = "openai",
        **more: Any,  # noqa: ANN401  (the other fields of an order)
    ) -> None:
        """Switch a fault on; see `faults.FaultOrder`.

        Raises:
            SandboxError: if the vendor has no such mode.
        """
        order = FaultOrder(
            mode=mode, share=share, count=count, seconds=seconds, delay=delay, **more
        )
        self._asked("POST", f"/{vendor}/faults", order.model_dump())

    def clear(self, vendor: str = "openai") -> None:
        """Switch all faults off."""
        self._asked("DELETE", f"/{vendor}/faults")

    def set(self, vendor: str = "openai", **conditions: Any) -> None:  # noqa: ANN401  (JSON)
        """Change how a vendor behaves, such as ``latency=1.0`` (see `settings.Conditions`).

        Raises:
            SandboxError: if a value is out of range.
        """
        self._asked("PUT", f"/{vendor}/settings", conditions)

    def tell(self, vendor: str, what: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON)
        """Make something happen at a vendor, such as ``tell("linkedin", "submit", count=3)``.

        Raises:
            SandboxError: if it knows no such thing, or not with such values.
        """
        return self._asked("POST", f"/{vendor}/{what}", body)

    def told(self, vendor: str, what: str) -> dict[str, Any]:
        """Look at something of a vendor, such as ``told("linkedin", "hooks")``."""
        return self._asked("GET", f"/{vendor}/{what}")

    def reset(self) -> None:
        """Forget all bills, answers and faults."""
        self._asked("POST", "/reset")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _told(self, name: str) -> Any:  # noqa: ANN401  (JSON)
        if not self._ready:
            raise SandboxError("the sandbox is not running: call start() first")
        return self._ready[name]

    def _complaint(self) -> str:
        if self._passing is None:
            return ""
        self._passing.seek(0)
        return self._passing.read().decode(errors="replace").strip()

    def _asked(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        if self._client is None:
            raise SandboxError("the sandbox is not running: call start() first")
        content = None if body is None else orjson.dumps(body)
        response = self._client.request(method, PREFIX + path, content=content)
        if not response.is_success:
            raise SandboxError(f"{method} {path}: {response.text}")
        return response.json()


def _arguments(settings: Settings) -> list[str]:
    conditions = settings.conditions.model_dump()
    values = {"port": settings.port, "seed": settings.seed, "people": settings.people}
    values |= conditions
    arguments = [f"--{name}={value}" for name, value in values.items()]
    arguments += [f"--fault={fault}" for fault in settings.faults]
    if settings.book is not None:
        arguments.append(f"--book={settings.book.absolute()}")
    return [*arguments, "--with-parent"]
