"""What ``up``, ``down`` and ``doctor`` are told, and the settings that follow from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cluster.settings import Settings
from cluster.vendors import unset


class WrongSettings(Exception):
    """A setting cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """How to start.

    Attributes:
        port: None takes the one of the settings.
        data_dir: the same.
        detach: return when the engine is ready, and leave it running.
        sandbox: play the vendors that have no credentials.
    """

    port: int | None = None
    data_dir: Path | None = None
    detach: bool = False
    sandbox: bool = True


@dataclass(frozen=True, slots=True)
class DownOptions:
    """What to stop."""

    data_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What to look at."""

    port: int | None = None
    data_dir: Path | None = None


def settings_for(port: int | None, data_dir: Path | None) -> Settings:
    """Read the settings, with what was said on the command line.

    Raises:
        WrongSettings: if one of them cannot be used.
    """
    said: dict[str, Any] = {"port": port, "data_dir": data_dir}
    try:
        return Settings(**{name: value for name, value in said.items() if value is not None})
    except ValidationError as error:
        problems = [f"{_name(e['loc'])}: {e['msg']}" for e in error.errors(include_input=False)]
        raise WrongSettings("; ".join(problems)) from None


def played(settings: Settings, options: UpOptions) -> list[str]:
    """The vendors that the sandbox is to play: one with credentials never is."""
    return unset(settings) if options.sandbox else []


def _name(location: tuple[int | str, ...]) -> str:
    return f"LEADENGINE_{str(location[0]).upper()}" if location else "settings"
