"""The sandbox starts, can be steered, survives its end and does not outlive its parent."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from scripts.sandbox.process import KEY, ROOT, SandboxError, SandboxProcess
from scripts.sandbox.settings import Conditions, Settings

CHAT = {
    "model": "gpt-4.1-mini",
    "messages": [{"role": "user", "content": "Hello"}],
    "store": True,
    "metadata": {"call_id": "one"},
}
HEADERS = {"authorization": f"Bearer {KEY}"}
QUICK = Conditions(latency=0.0)


def ask(sandbox: SandboxProcess, timeout: float = 5.0) -> httpx.Response:
    url = f"{sandbox.openai_url}/chat/completions"
    return httpx.post(url, json=CHAT, headers=HEADERS, trust_env=False, timeout=timeout)


def gone(pid: int, within: float = 8.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()[:30]:
            return True
        time.sleep(0.05)
    return False


def test_the_bill_survives_a_sudden_end(tmp_path: Path) -> None:
    settings = Settings(conditions=QUICK, book=tmp_path / "book.jsonl")
    with SandboxProcess(settings) as sandbox:
        assert ask(sandbox).status_code == 200
        assert ask(sandbox).status_code == 200
        before = sandbox.book()
        sandbox.kill()

    with SandboxProcess(settings) as again:
        assert again.book() == before
        listed = httpx.get(
            f"{again.openai_url}/chat/completions",
            params={"metadata[call_id]": "one"},
            headers=HEADERS,
            trust_env=False,
        )
        assert len(listed.json()["data"]) == 2
        again.reset()
        assert again.book()["calls"] == 0


def test_a_caller_who_goes_away_is_billed_all_the_same_at_once(sandbox: SandboxProcess) -> None:
    sandbox.set(latency=30.0)

    with pytest.raises(httpx.ReadTimeout):
        ask(sandbox, timeout=1.5)

    assert sandbox.book()["by_call"]["one"]["calls"] == 1


def test_faults_are_on_from_the_start_and_can_be_cleared() -> None:
    with SandboxProcess(Settings(conditions=QUICK, faults=("500",))) as sandbox:
        assert ask(sandbox).status_code == 500
        sandbox.clear()
        assert ask(sandbox).status_code == 200


def test_orders_that_make_no_sense_are_refused_with_what_would(sandbox: SandboxProcess) -> None:
    with pytest.raises(SandboxError, match="no fault mode 'explode'; there are: 429, "):
        sandbox.arm("explode")
    with pytest.raises(SandboxError, match=r"no vendor 'acme'; there are: .*openai"):
        sandbox.book("acme")
    with pytest.raises(SandboxError, match="rpm: Input should be greater than 0"):
        sandbox.set(rpm=0)
    with pytest.raises(SandboxError, match="colour: Extra inputs"):
        sandbox.set(colour=1)
    with (
        pytest.raises(SandboxError, match="there are: 429"),
        SandboxProcess(Settings(faults=("explode",))),
    ):
        pass


def test_a_taken_port_is_a_sentence_not_a_traceback(sandbox: SandboxProcess) -> None:
    port = int(sandbox.url.rpartition(":")[2])

    with pytest.raises(SandboxError, match="cannot be had") as refused:
        SandboxProcess(Settings(port=port)).start()

    assert "Traceback" not in str(refused.value)


def test_it_listens_on_this_machine_only(sandbox: SandboxProcess) -> None:
    port = f"{int(sandbox.url.rpartition(':')[2]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]

    assert [a for a in listening if a.endswith(f":{port}")] == [f"0100007F:{port}"]


def test_stopping_twice_and_before_the_start_is_harmless() -> None:
    sandbox = SandboxProcess(Settings(conditions=QUICK))
    sandbox.stop()
    with pytest.raises(SandboxError, match=r"call start\(\) first"):
        _ = sandbox.url
    sandbox.start()
    pid = sandbox.pid
    assert sandbox.running
    assert sandbox.health()["cpu_seconds"] > 0
    sandbox.stop()
    sandbox.stop()
    assert not sandbox.running
    assert gone(pid)


def test_it_ends_with_its_parent_however_that_ends() -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time; from scripts.sandbox.process import SandboxProcess; "
            "s = SandboxProcess(); s.start(); print(s.pid, flush=True); time.sleep(60)",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())

    parent.kill()
    parent.communicate()

    assert gone(pid)


def test_a_page_in_a_browser_cannot_steer_it(sandbox: SandboxProcess) -> None:
    assert ask(sandbox).status_code == 200
    page = {"origin": "https://evil.example"}

    reset = httpx.post(f"{sandbox.url}/_sandbox/reset", headers=page, trust_env=False)

    assert reset.status_code == 403
    assert sandbox.book()["calls"] == 1


def test_an_interrupt_at_the_terminal_does_not_reach_it(sandbox: SandboxProcess) -> None:
    assert os.getpgid(sandbox.pid) != os.getpgid(0)
    assert os.getsid(sandbox.pid) != os.getsid(0)


def test_a_termination_ends_it_though_calls_are_under_way() -> None:
    sandbox = SandboxProcess(Settings(conditions=Conditions(latency=30)))
    sandbox.start()
    pid = sandbox.pid

    async def interrupted() -> None:
        asking = asyncio.create_task(asyncio.to_thread(ask, sandbox))
        await asyncio.sleep(0.3)
        os.kill(pid, signal.SIGTERM)
        with pytest.raises(httpx.HTTPError):
            await asking

    asyncio.run(interrupted())

    assert gone(pid)
    sandbox.stop()


def test_the_help_names_every_fault() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "scripts.sandbox", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout

    assert "--with-parent" in told
    assert "invalid_quotes" in "".join(told.split())
