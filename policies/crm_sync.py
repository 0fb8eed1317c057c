"""What becomes of a record that the CRM refused, how many calls it may cost, and what differs.

Sources:
    Codes and which of them pass: SOAP API guide, "API Fault Codes" and "Status Codes" (v62), REST
    API guide, "Status Codes and Error Responses", read 2026-11-22.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Literal

import orjson

from policies.crm_records import JSON, ApiUsage, ErrorCode, RowError
from policies.failure import backoff
from policies.redaction import redact, secrets_of

HASH_BYTES = 16
LONGEST_PROBLEM = 400
DuplicateRule = Literal["merge", "save_anyway", "quarantine"]

_PASSING = frozenset(
    {
        ErrorCode.LOCKED,
        ErrorCode.ROLLED_BACK,
        ErrorCode.SESSION,
        ErrorCode.LIMIT,
        "SERVER_UNAVAILABLE",
        "REQUEST_RUNNING_TOO_LONG",
        "QUERY_TIMEOUT",
        "DATACLOUD_API_SERVER_EXCEPTION",
        "BATCH_TOO_LARGE",
        "CONCURRENT_API_ERROR",
        "UNKNOWN_EXCEPTION",
        "INTERNAL_ERROR",
    }
)
"""They say nothing about the record: it is tried for long."""
_OF_SETUP = frozenset(
    {
        "INVALID_FIELD",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INVALID_TYPE",
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "STORAGE_LIMIT_EXCEEDED",
        "FUNCTIONALITY_NOT_ENABLED",
    }
)
"""They say that the mapping or our rights are wrong, whatever the record."""
_FINAL = frozenset(
    {
        "REQUIRED_FIELD_MISSING",
        "STRING_TOO_LONG",
        "INVALID_EMAIL_ADDRESS",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        "NUMBER_OUTSIDE_VALID_RANGE",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "FIELD_FILTER_VALIDATION_EXCEPTION",
        "FIELD_INTEGRITY_EXCEPTION",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "JSON_PARSER_ERROR",
        "REQUEST_REFUSED",
        ErrorCode.DUPLICATE_VALUE,
        ErrorCode.MANY_MATCH,
    }
)
"""The same record will be refused for the same reason for ever."""


class Verdict(StrEnum):
    """What is to become of a record that was refused."""

    RETRY = "retry"
    SETUP = "setup"
    ONE_BY_ONE = "one_by_one"
    MERGE = "merge"
    CONVERTED = "converted"
    GONE = "gone"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a record is tried.

    Attributes:
        tries: of one that is refused for a reason that we do not know.
        passing: of one that meets locks and troubles of the server.
    """

    tries: int = 3
    passing: int = 12


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to become of a refused record, and why.

    Attributes:
        error: that decided.
        match: id of the record to be merged with.
    """

    verdict: Verdict
    error: RowError
    match: str | None = None


def record_hash(record: Mapping[str, JSON]) -> bytes:
    """Return what tells one content of a record from another, whatever the order of its fields."""
    text = orjson.dumps(dict(record), option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=HASH_BYTES).digest()


def rule(
    errors: Sequence[RowError],
    *,
    failed: int,
    duplicates: DuplicateRule,
    external_field: str,
    bulk: bool = False,
    patience: Patience | None = None,
) -> Ruling:
    """Decide what becomes of a refused record.

    Args:
        failed: tries that failed before this one, in a row.
        duplicates: what the mapping says about duplicate rules.
        bulk: whether it was a row of a bulk job, which does not name the records that match.
    """
    patience = patience or Patience()
    error = next((each for each in errors if not _passes(each.code)), errors[0])
    if error.code == ErrorCode.DUPLICATES:
        return _duplicate(error, duplicates, bulk=bulk)
    if _is_race(error, external_field):
        return Ruling(_within(failed, patience.passing), error)
    match error.code:
        case ErrorCode.CONVERTED:
            return Ruling(Verdict.CONVERTED, error)
        case ErrorCode.DELETED:
            return Ruling(Verdict.GONE, error)
        case code if _passes(code):
            return Ruling(_within(failed, patience.passing), error)
        case code if code in _OF_SETUP:
            return Ruling(Verdict.SETUP, error)
        case code if code in _FINAL:
            return Ruling(Verdict.QUARANTINE, error)
        case _:
            return Ruling(_within(failed, patience.tries), error)


def retry_after(failed: int, chance: float) -> timedelta:
    """Say how long a refused record waits: 5 s at least, a quarter of an hour at most.

    Args:
        failed: tries that failed in a row, this one among them.
        chance: a uniform draw from 0 to 1.
    """
    return backoff(failed + 3, chance, at_least=timedelta(seconds=5))


def poll_after(polls: int) -> timedelta:
    """Say how long to wait before a bulk job is asked after again: 10 s, then ever longer."""
    return min(timedelta(seconds=10) * 2 ** min(polls, 10), timedelta(minutes=5))


def told(error: RowError, personal: Iterable[str | None]) -> str:
    """Return the CRM's own words without what could tell who the record is about."""
    secrets = secrets_of(text for text in personal if text)
    return redact(error.message, secrets, LONGEST_PROBLEM)


class Spending(StrEnum):
    """What the calls that are left to us allow."""

    FREE = "free"
    SPARING = "sparing"
    NOTHING = "nothing"


def spending(
    usage: ApiUsage | None, told_at: datetime | None, *, reserve: float, now: datetime
) -> Spending:
    """Say how many calls we may make: the last part of the day's allowance is for others.

    What was told long ago counts no more: one call tells it anew.

    Args:
        reserve: share of the allowance, 0 to 1; below it only bulk jobs are made, and below a
            quarter of it nothing.
    """
    if usage is None or told_at is None or now - told_at > timedelta(minutes=15):
        return Spending.FREE
    left, kept = usage.allowed - usage.used, reserve * usage.allowed
    if left > 0 and left >= kept:
        return Spending.FREE
    return Spending.SPARING if left > 0 and left >= kept / 4 else Spending.NOTHING


def differs(ours: JSON, theirs: object) -> bool:
    """Whether a value of the CRM is another than the one that we sent.

    Spaces at the ends, the form of numbers and the zone of a moment do not count. What names a
    related record is not compared.
    """
    if isinstance(ours, Mapping):
        return False
    mine, other = _plain(ours), _plain(theirs)
    if isinstance(mine, str) and isinstance(other, float):
        return _number(mine) != other
    if isinstance(mine, str) and isinstance(other, str) and "@" in mine:
        return mine.casefold() != other.casefold()
    return mine != other


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _plain(value: object) -> object:
    if value is None or value is False or value == "":
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return float(value)
    text = str(value).replace("\r\n", "\n").strip()
    return _moment(text) or text or None


def _moment(text: str) -> datetime | None:
    if len(text) < len("2026-11-25T01:02:03") or text[10:11] != "T":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).replace(microsecond=0)


def _passes(code: str) -> bool:
    return code in _PASSING


def _within(failed: int, tries: int) -> Verdict:
    return Verdict.RETRY if failed + 1 < tries else Verdict.QUARANTINE


def _is_race(error: RowError, external_field: str) -> bool:
    """Two calls created the record at once: the next one finds it."""
    named = external_field in error.message or external_field in error.fields
    return error.code == ErrorCode.DUPLICATE_VALUE and named


def _duplicate(error: RowError, duplicates: DuplicateRule, *, bulk: bool) -> Ruling:
    if bulk and duplicates != "quarantine":
        return Ruling(Verdict.ONE_BY_ONE, error)
    if duplicates != "merge" or not error.matches:
        return Ruling(Verdict.QUARANTINE, error)
    first, *others = error.matches
    if others:
        several = f"{error.message} ({len(others) + 1} records match: merge them there first)"
        return Ruling(Verdict.QUARANTINE, _worded(error, several))
    return Ruling(Verdict.MERGE, error, first)


def taken_already(error: RowError) -> RowError:
    """The record that a duplicate rule names belongs to another lead of ours."""
    return _worded(error, f"{error.message} (the record that matches belongs to another lead)")


def _worded(error: RowError, message: str) -> RowError:
    return RowError(error.code, message, error.fields, error.matches)


def columns_of(record: Mapping[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
    """Return the values of a record by the names that we use; the CRM's may differ in case."""
    lower = {name.casefold(): value for name, value in record.items()}
    return {name: lower.get(name.casefold()) for name in wanted}
