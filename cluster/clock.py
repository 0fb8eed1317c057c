"""The clock: read here, handed on as an argument everywhere else (ADR-0004)."""

from datetime import UTC, datetime


def now() -> datetime:
    """The time, aware UTC."""
    return datetime.now(UTC)
