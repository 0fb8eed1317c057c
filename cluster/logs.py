"""Structured logs without secrets and personal data."""

import logging
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Literal

import structlog

_SECRETS = re.compile(
    r"(?P<key>\b(?:sk|rk|lge)[-_][A-Za-z0-9_-]{8,}|Bearer\s+\S+)"
    r"|(?P<mail>[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,})"
    r"|(?P<phone>\+\d[\d ()./-]{6,}\d)"
    r"|(?P<url>://[^\s:/@]+:)[^\s@]+@"
)


def redact(text: str) -> str:
    """Replace keys, passwords, e-mail addresses and phone numbers in ``text``."""
    return _SECRETS.sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    if match["url"]:
        return f"{match['url']}***@"
    return "[key]" if match["key"] else "[e-mail]" if match["mail"] else "[phone]"


def _redact_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
    return event


def configure(level: str, form: Literal["json", "console"], file: Path | None = None) -> None:
    """Send the process's logs to ``file`` or standard error, one event a line, redacted.

    Several processes may share a file: each line is appended in one write.
    """
    stream = sys.stderr
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a", buffering=1, encoding="utf-8")
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.WriteLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared)
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
