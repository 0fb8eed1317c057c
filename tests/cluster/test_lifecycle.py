"""What ``up``, ``down`` and ``doctor`` find and say, without starting an engine."""

import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from cluster import vendors
from cluster.settings import ROOT, SANDBOX_KEY, Settings
from scripts.lifecycle import state
from scripts.lifecycle.doctor import doctor, worst
from scripts.lifecycle.findings import Finding, Health
from scripts.lifecycle.options import DoctorOptions, UpOptions, played
from scripts.lifecycle.state import State
from scripts.lifecycle.up import up


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("LEADENGINE_") or name in {"DATABASE_URL", "OPENAI_API_KEY"}:
            monkeypatch.delenv(name)


def test_a_data_directory_is_held_by_one_engine_at_a_time(tmp_path: Path) -> None:
    with state.held(tmp_path):
        assert state.is_held(tmp_path)
        with pytest.raises(state.AlreadyRuns), state.held(tmp_path):
            pass
    assert not state.is_held(tmp_path)


def test_the_note_of_a_dead_engine_deceives_nobody(tmp_path: Path) -> None:
    state.write(tmp_path, State(1, "http://127.0.0.1:1", ready=True))
    assert state.running(tmp_path) is None


def test_a_taken_port_is_told_before_anything_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert up(UpOptions(port=port, data_dir=tmp_path, sandbox=False)) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert f"Port {port} of 127.0.0.1 is taken" in said
    assert "--port" in said
    assert not (tmp_path / "postgres").exists()


def test_a_wrong_setting_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert up(UpOptions(port=70_000, data_dir=tmp_path)) == 2
    assert "LEADENGINE_PORT" in capsys.readouterr().err


def test_a_vendor_with_credentials_is_never_played() -> None:
    plain = Settings(_env_file=None)
    assert played(plain, UpOptions()) == list(vendors.VENDORS)
    assert played(plain, UpOptions(sandbox=False)) == []
    real = Settings(_env_file=None, openai_api_key="sk-real", zoominfo_client_id="half")
    assert played(real, UpOptions()) == ["uplead", "linkedin", "salesforce"]
    assert vendors.ready(real) == ["openai"]
    assert vendors.VENDORS["zoominfo"].missing(real) == ["ZOOMINFO_CLIENT_SECRET"]


def test_what_is_played_gets_the_sandboxs_keys_and_addresses_and_nothing_else() -> None:
    real = Settings(_env_file=None, openai_api_key="sk-real")
    root = "http://127.0.0.1:1"
    urls = {"openai": f"{root}/v1", "zoominfo": f"{root}/zoominfo/gtm", "uplead": f"{root}/uplead"}
    told = vendors.with_sandbox(real, urls, played(real, UpOptions()))
    assert vendors.sandboxed(told) == ["uplead", "zoominfo"]
    assert told.openai_api_key == real.openai_api_key
    assert told.openai_base_url is None
    assert told.uplead_api_key is not None
    assert told.uplead_api_key.get_secret_value() == SANDBOX_KEY
    assert told.zoominfo_token_url == f"{root}/zoominfo/oauth2/default/v1/token"


def test_play_money_is_not_scarce_and_real_money_is() -> None:
    urls = {"uplead": "http://127.0.0.1:1/uplead/v2", "zoominfo": "http://127.0.0.1:1/zoominfo/gtm"}
    plain = Settings(_env_file=None)
    assert vendors.with_sandbox(plain, urls, ["uplead", "zoominfo"]).vendor_usd_per_day > 1_000
    half = Settings(_env_file=None, uplead_api_key="real")
    assert vendors.with_sandbox(half, urls, ["zoominfo"]).vendor_usd_per_day == 20
    said = Settings(_env_file=None, vendor_usd_per_day=5)
    assert vendors.with_sandbox(said, urls, ["uplead", "zoominfo"]).vendor_usd_per_day == 5


def test_settings_travel_to_other_processes_through_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = Settings(
        _env_file=None, data_dir=tmp_path, database_url="postgresql://u:p@h/d", scorers=7
    )
    for name, value in told.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None) == told


def test_the_doctor_finds_secrets_that_others_can_read(tmp_path: Path) -> None:
    from storage.keyring import KeyRing

    KeyRing.at(tmp_path / "keyring.json")
    assert finding(tmp_path, "key ring").health is Health.GOOD

    (tmp_path / "keyring.json").chmod(0o644)

    found = finding(tmp_path, "key ring")
    assert found.health is Health.BAD
    assert found.remedy == f"chmod 600 {tmp_path / 'keyring.json'}"


def test_the_doctor_says_that_a_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        findings = doctor(DoctorOptions(port=taken.getsockname()[1], data_dir=tmp_path))
    engine = next(found for found in findings if found.about == "engine")
    assert "is taken" in engine.says
    assert worst(findings) is Health.BAD


def test_the_doctor_checks_a_database_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    found = finding(tmp_path, "database")
    assert found.health is Health.BAD
    assert "DATABASE_URL" in found.remedy


def finding(directory: Path, about: str) -> Finding:
    findings = doctor(DoctorOptions(data_dir=directory))
    return next(found for found in findings if found.about == about)


def test_without_a_python_the_scripts_say_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("up", "test", "environment.sh"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    for name in ("up", "test"):
        done = subprocess.run(
            [tmp_path / "scripts" / name],
            env={**os.environ, "LEADENGINE_PYTHON": "/bin/false"},
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        assert done.returncode == 1
        assert "Python 3.11 or newer is needed" in done.stderr
        assert "apt install python3" in done.stderr


def test_both_scripts_can_be_run() -> None:
    for name in ("up", "test"):
        assert (ROOT / "scripts" / name).stat().st_mode & stat.S_IXUSR
