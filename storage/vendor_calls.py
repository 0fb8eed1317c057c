"""How calls to vendors went, by operation and hour, and how each vendor is doing.

Figures, not books: a process that ends at once may take a few seconds of them with it.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from pydantic import AwareDatetime, BaseModel, ValidationError

from policies import pacing
from policies.failure import Breaker
from policies.pacing import Pace
from storage import vendor_states
from storage.database import Connection, count, driver

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds; one more bucket holds what took longer."""
KEPT = timedelta(days=90)
EVER = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_PROBLEM = 300

Slot: TypeAlias = tuple[str, datetime]
"""An operation, and the hour that a call fell in."""


class CallOutcome(StrEnum):
    """How a call ended."""

    OK = "ok"
    FAILED = "failed"
    THROTTLED = "throttled"


@dataclass(slots=True)
class Tally:
    """Calls of one operation, counted.

    Attributes:
        calls: all of them.
        failures: without the throttled ones.
        seconds: how long they took together.
        buckets: calls by how long they took, see ``BUCKETS``.
        last_problem: of the last failure: codes and advice, no personal data.
    """

    calls: int = 0
    failures: int = 0
    throttled: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_problem: str | None = None

    def count(self, took: timedelta, at: datetime, outcome: CallOutcome, problem: str = "") -> None:
        """Add one call that ended at ``at`` (aware)."""
        seconds = max(0.0, took.total_seconds())
        self.calls += 1
        self.seconds += seconds
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        if outcome is CallOutcome.OK:
            self.last_success_at = at
            return
        self.failures += outcome is CallOutcome.FAILED
        self.throttled += outcome is CallOutcome.THROTTLED
        self.last_failure_at, self.last_problem = at, problem[:LONGEST_PROBLEM]

    @property
    def by_outcome(self) -> dict[CallOutcome, int]:
        """The calls by how they ended."""
        good = self.calls - self.failures - self.throttled
        return {
            CallOutcome.OK: good,
            CallOutcome.FAILED: self.failures,
            CallOutcome.THROTTLED: self.throttled,
        }

    def merge(self, other: "Tally") -> None:
        """Add the calls of ``other``, which were made later."""
        self.calls += other.calls
        self.failures += other.failures
        self.throttled += other.throttled
        self.seconds += other.seconds
        self.buckets = [mine + more for mine, more in zip(self.buckets, other.buckets, strict=True)]
        self.last_success_at = other.last_success_at or self.last_success_at
        if other.last_failure_at is not None:
            self.last_failure_at, self.last_problem = other.last_failure_at, other.last_problem


@dataclass(frozen=True, slots=True)
class VendorOverview:
    """How a vendor is doing.

    Attributes:
        calls: in this clock hour and the one before.
        failures: of those, without the throttled ones.
        throttled: of those.
        seconds: mean duration of those calls; None if there was none.
        last_problem: what went wrong last, however long ago.
        open_until: nobody calls it before (aware); None while its breaker is closed.
        out_of_credit_until: nothing is bought from it before (aware); None if all is well.
        requests_per_minute: the pace in use; None if it was never called.
    """

    vendor: str
    calls: int = 0
    failures: int = 0
    throttled: int = 0
    seconds: float | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_problem: str | None = None
    open_until: datetime | None = None
    out_of_credit_until: datetime | None = None
    requests_per_minute: float | None = None


def hour_of(moment: datetime) -> datetime:
    """The beginning of the clock hour, UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


async def add(db: Connection, vendor: str, tallies: Mapping[Slot, Tally]) -> None:
    """Add calls to their hours and to the totals since ever."""
    if not tallies:
        return
    rows = _with_totals(tallies)
    slots = sorted(rows)
    told = [rows[slot] for slot in slots]
    await (await driver(db)).execute(
        _ADD,
        vendor,
        [operation for operation, _ in slots],
        [hour for _, hour in slots],
        [tally.calls for tally in told],
        [tally.failures for tally in told],
        [tally.throttled for tally in told],
        [tally.seconds for tally in told],
        ["{" + ",".join(map(str, tally.buckets)) + "}" for tally in told],
        [tally.last_success_at for tally in told],
        [tally.last_failure_at for tally in told],
        [tally.last_problem for tally in told],
    )


async def totals(db: Connection) -> dict[tuple[str, str], Tally]:
    """Return all calls since ever, by vendor and operation."""
    rows = await (await driver(db)).fetch(_TOTALS, EVER)
    return {(row["vendor"], row["operation"]): Tally(*list(row.values())[2:]) for row in rows}


async def overview(db: Connection, *, now: datetime) -> dict[str, VendorOverview]:
    """Return how every vendor is doing that was ever called, by name."""
    rows = await (await driver(db)).fetch(_OVERVIEW, EVER, hour_of(now - timedelta(hours=1)))
    counted = {row["vendor"]: dict(row.items()) for row in rows}
    states = await vendor_states.all(db)
    names = sorted({*counted, *states})
    return {
        name: _overview(counted.get(name, {"vendor": name}), states.get(name, {}), now)
        for name in names
    }


async def forget(db: Connection, *, now: datetime, batch: int) -> int:
    """Delete up to ``batch`` hours older than ``KEPT``; the totals stay."""
    return await count(await driver(db), _FORGET, EVER, now - KEPT, batch)


def _with_totals(tallies: Mapping[Slot, Tally]) -> dict[Slot, Tally]:
    rows = dict(tallies)
    for (operation, _), tally in sorted(tallies.items()):
        rows.setdefault((operation, EVER), Tally()).merge(tally)
    return rows


class _State(BaseModel):
    pace: Pace | None = None
    breaker: Breaker = Breaker()
    no_credit_until: AwareDatetime | None = None


def _overview(
    counted: Mapping[str, Any], state: Mapping[str, Any], now: datetime
) -> VendorOverview:
    try:
        known = _State.model_validate(state)
    except ValidationError:
        known = _State()
    return VendorOverview(
        **counted,
        open_until=_later(known.breaker.open_until, now),
        out_of_credit_until=_later(known.no_credit_until, now),
        requests_per_minute=None if known.pace is None else pacing.requests_rate(known.pace),
    )


def _later(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment is not None and moment > now else None


_ADD = """
INSERT INTO vendor_calls AS v (vendor, operation, hour, calls, failures, throttled, seconds,
  buckets, last_success_at, last_failure_at, last_problem)
SELECT $1, u.operation, u.hour, u.calls, u.failures, u.throttled, u.seconds, u.buckets::bigint[],
  u.success, u.failure, u.problem
FROM unnest($2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[], $7::float8[],
  $8::text[], $9::timestamptz[], $10::timestamptz[], $11::text[]) WITH ORDINALITY
  u(operation, hour, calls, failures, throttled, seconds, buckets, success, failure, problem, o)
ORDER BY u.o
ON CONFLICT (vendor, operation, hour) DO UPDATE SET
  calls = v.calls + excluded.calls,
  failures = v.failures + excluded.failures,
  throttled = v.throttled + excluded.throttled,
  seconds = v.seconds + excluded.seconds,
  buckets = ARRAY(SELECT coalesce(b.old, 0) + coalesce(b.new, 0)
    FROM unnest(v.buckets, excluded.buckets) WITH ORDINALITY b(old, new, o) ORDER BY b.o),
  last_success_at = greatest(v.last_success_at, excluded.last_success_at),
  last_problem = CASE WHEN excluded.last_failure_at >= coalesce(v.last_failure_at, '-infinity')
    THEN excluded.last_problem ELSE v.last_problem END,
  last_failure_at = greatest(v.last_failure_at, excluded.last_failure_at)
"""
_TOTALS = """
SELECT vendor, operation, calls, failures, throttled, seconds, buckets, last_success_at,
  last_failure_at, last_problem
FROM vendor_calls WHERE hour = $1 ORDER BY vendor, operation
"""
_OVERVIEW = """
SELECT e.vendor, coalesce(r.calls, 0)::bigint AS calls, coalesce(r.failures, 0)::bigint AS failures,
  coalesce(r.throttled, 0)::bigint AS throttled, r.seconds / r.calls AS seconds,
  e.last_success_at, e.last_failure_at, e.last_problem
FROM (SELECT vendor, max(last_success_at) AS last_success_at,
    max(last_failure_at) AS last_failure_at,
    (array_agg(last_problem ORDER BY last_failure_at DESC NULLS LAST))[1] AS last_problem
  FROM vendor_calls WHERE hour = $1 GROUP BY vendor) e
LEFT JOIN (SELECT vendor, sum(calls) AS calls, sum(failures) AS failures,
    sum(throttled) AS throttled, sum(seconds) AS seconds
  FROM vendor_calls WHERE hour >= $2 GROUP BY vendor) r USING (vendor)
"""
_FORGET = """
WITH gone AS (
  DELETE FROM vendor_calls WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM vendor_calls WHERE hour > $1 AND hour < $2 LIMIT $3 FOR UPDATE SKIP LOCKED))
  RETURNING 1)
SELECT count(*) FROM gone
"""
