"""``up``: start everything and stay with it, or leave it running and return."""

import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from cluster.engine import Engine, EngineError
from cluster.postgres import PostgresError
from cluster.settings import ROOT, Settings
from cluster.vendors import sandboxed, with_sandbox
from scripts.lifecycle import state
from scripts.lifecycle.options import (
    UpOptions,
    WrongSettings,
    played,
    settings_for,
)
from scripts.lifecycle.screen import LiveLine, Screen, command_name
from scripts.lifecycle.state import Notebook, State
from scripts.sandbox.process import SandboxError, SandboxProcess
from scripts.sandbox.settings import Settings as SandboxSettings
from storage.keyring import KeyRingError

OK, FAILED, USAGE = 0, 1, 2
LOOK_EVERY = 1.5
LONGEST_START = 300.0
LOG_TAIL = 25


def up(options: UpOptions) -> int:
    """Start the engine; return the exit code."""
    screen = Screen()
    try:
        settings = settings_for(options.port, options.data_dir)
    except WrongSettings as error:
        screen.failed(str(error), "Change it in the environment, in .env, or on the command line.")
        return USAGE
    directory = settings.directory
    if (found := state.running(directory)) is not None:
        return _runs_already(screen, found, directory)
    if options.detach:
        return _detached(options, directory, screen)
    try:
        with state.held(directory):
            return _attached(settings, options, screen)
    except state.AlreadyRuns:
        return _runs_already(screen, state.running(directory) or State(0, ""), directory)


def _runs_already(screen: Screen, found: State, directory: Path) -> int:
    if not found.ready:
        screen.failed(
            f"An engine is starting or stopping in {directory}.",
            f"Wait for it, or end it: {command_name()} down",
        )
        return FAILED
    screen.running(found, directory, attached=False)
    return OK


def _attached(settings: Settings, options: UpOptions, screen: Screen) -> int:
    with ExitStack() as undo:
        try:
            settings = _with_vendors(settings, options, screen, undo)
            engine = Engine(settings)
            log_file = os.environ.get(LOG_FILE, "")
            notes = Notebook(settings.directory, settings.url, sandboxed(settings), log_file)
            code = _run(engine, notes, screen)
        except (EngineError, PostgresError, KeyRingError, SandboxError) as error:
            return _failed(str(error), settings, screen)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and written down
            with (settings.directory / "logs" / "engine.log").open("a") as log:
                traceback.print_exc(file=log)
            last = str(error).strip().splitlines() or [""]
            return _failed(f"{type(error).__name__}: {last[-1].strip()}", settings, screen)
        return code


def _failed(what: str, settings: Settings, screen: Screen) -> int:
    logs = settings.directory / "logs"
    screen.failed(what, f"The logs are in {logs}.", f"{command_name()} doctor says more.")
    state.write(settings.directory, State(os.getpid(), settings.url, error=what))
    return FAILED


LOG_FILE = "LEADENGINE_DAEMON_LOG"


def _with_vendors(
    settings: Settings, options: UpOptions, screen: Screen, undo: ExitStack
) -> Settings:
    names = played(settings, options)
    if not names:
        return settings
    screen.step("Starting the sandbox")
    folder = settings.directory / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    log = undo.enter_context((folder / "sandbox.log").open("ab"))
    sandbox = SandboxProcess(SandboxSettings(book=folder / "book"), log=log)
    sandbox.start()
    undo.callback(sandbox.stop)
    return with_sandbox(settings, sandbox.vendor_urls, names)


def _run(engine: Engine, notes: Notebook, screen: Screen) -> int:
    def report(text: str) -> None:
        screen.step(text)
        notes.step(text)

    try:
        _on_signals(_interrupt)
        engine.start(report)
        _on_signals(lambda *_: engine.ask_to_stop())
        notes.ready(engine.proxy)
        screen.running(notes.state, engine.settings.directory, attached=not _is_daemon())
        with LiveLine(screen.console) as line:
            engine.run(lambda: _show(line, engine))
    except KeyboardInterrupt:
        screen.step("")
    _on_signals(signal.SIG_IGN)
    engine.stop(report)
    screen.finished()
    screen.console.print("Stopped. Nothing is left running; all data is kept.")
    return OK


def _show(line: LiveLine, engine: Engine) -> None:
    if not line.is_shown:
        return
    key = engine.operator_key.read_text().strip()
    headers = {"Authorization": f"Bearer {key}"}
    try:
        with httpx.Client(base_url=engine.settings.url, headers=headers, timeout=3) as client:
            agents = client.get("/api/agents").raise_for_status().json()["items"]
            status = client.get("/api/status").raise_for_status().json()
    except (httpx.HTTPError, KeyError, ValueError):
        return
    line.show(agents, status)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _on_signals(handler: Callable[..., Any] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def _is_daemon() -> bool:
    return LOG_FILE in os.environ


def _detached(options: UpOptions, directory: Path, screen: Screen) -> int:
    (directory / "logs").mkdir(parents=True, exist_ok=True)
    log = directory / "logs" / "engine.log"
    began = log.stat().st_size if log.exists() else 0
    (directory / state.NOTE).unlink(missing_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.lifecycle.daemon", *_arguments(options)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**os.environ, LOG_FILE: str(log)},
        )
    deadline = time.monotonic() + LONGEST_START
    while process.poll() is None and time.monotonic() < deadline:
        found = state.read(directory)
        if found is not None and found.ready:
            screen.running(found, directory, attached=False)
            return OK
        screen.step(found.step if found is not None and found.step else "Looking around")
        time.sleep(0.1)
    _say_why(process, directory, log, began, screen)
    return FAILED


def _say_why(
    process: "subprocess.Popen[bytes]", directory: Path, log: Path, began: int, screen: Screen
) -> None:
    if process.poll() is None:
        process.terminate()
    found = state.read(directory)
    with log.open("rb") as file:
        file.seek(began)
        tail = file.read().decode(errors="replace").splitlines()[-LOG_TAIL:]
    if found is not None and found.error:
        screen.failed(found.error, f"The log: {log}")
        return
    screen.failed("The engine did not start. Its last words:", *tail, f"The log: {log}")


def _arguments(options: UpOptions) -> list[str]:
    arguments = [] if options.port is None else [f"--port={options.port}"]
    if options.data_dir is not None:
        arguments.append(f"--data-dir={options.data_dir.expanduser().absolute()}")
    return arguments if options.sandbox else [*arguments, "--no-sandbox"]
