"""Figures for Prometheus, read from the database when they are asked for.

Every replica tells the same: scrape one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from starlette.responses import Response

from serve.calls import Caller
from serve.scopes import Scope
from serve.table import Routes
from storage import agents, figures, vendor_calls
from storage.agents import AgentOverview
from storage.figures import Counts
from storage.vendor_calls import BUCKETS, Tally, VendorOverview

KIND = "text/plain; version=0.0.4; charset=utf-8"
ALIVE = timedelta(seconds=90)
_FORM = {
    "text/plain": {"schema": {"type": "string"}, "example": 'leadengine_leads{status="new"} 3'}
}


def add_routes(router: APIRouter) -> None:
    """Add the metrics."""
    Routes(router, "health").add("GET", "/metrics", read_metrics, Scope.METRICS_READ, content=_FORM)


async def read_metrics(call: Caller) -> Response:
    """Tell Prometheus what waits, what is dead, who works, what was spent, who is away."""
    async with call.reading() as db:
        seen = Seen(
            call.now,
            await figures.counts(db, now=call.now),
            await agents.overview(db, now=call.now),
            await vendor_calls.overview(db, now=call.now),
            await vendor_calls.totals(db),
        )
    registry = CollectorRegistry()
    registry.register(_Figures(seen))
    return Response(generate_latest(registry), media_type=KIND)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read for one answer.

    Attributes:
        calls: to vendors since ever, by vendor and operation.
    """

    now: datetime
    counts: Counts
    crew: Sequence[AgentOverview]
    vendors: Mapping[str, VendorOverview]
    calls: Mapping[tuple[str, str], Tally]


class _Figures(Collector):
    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def collect(self) -> Iterable[Metric]:
        yield from _mailboxes(self._seen)
        yield from _leads(self._seen.counts)
        yield from _spending(self._seen.counts)
        yield from _vendors(self._seen.vendors)
        yield _calls(self._seen.calls)
        yield _durations(self._seen.calls)


def _mailboxes(seen: Seen) -> Iterable[GaugeMetricFamily]:
    waiting = _gauge("messages_waiting", "Messages nobody works on yet, up to 10,000", "role")
    delayed = _gauge("messages_delayed", "Messages due later, up to 10,000", "role")
    oldest = _gauge("oldest_message_seconds", "How long the first in line has waited", "role")
    dead = _gauge("dead_letters", "Messages put aside, up to 10,000", "role")
    alive = _gauge("workers_alive", "Workers that reported in the last 90 seconds", "role")
    paused = _gauge("agent_paused", "1 while an operator has paused the agent", "role")
    for agent in seen.crew:
        reporting = [w for w in agent.workers if seen.now - w.beat_at <= ALIVE]
        waiting.add_metric([agent.role], agent.waiting)
        delayed.add_metric([agent.role], agent.delayed)
        oldest.add_metric([agent.role], agent.oldest.total_seconds() if agent.oldest else 0)
        dead.add_metric([agent.role], agent.dead)
        alive.add_metric([agent.role], len(reporting))
        paused.add_metric([agent.role], int(agent.paused))
    return waiting, delayed, oldest, dead, alive, paused


def _leads(counts: Counts) -> Iterable[GaugeMetricFamily]:
    leads = _gauge("leads", "Leads by where they stand", "status")
    for status, number in counts.leads.items():
        leads.add_metric([status.value], number)
    scored = _gauge("leads_scored", "Leads that have a score")
    scored.add_metric([], counts.scored)
    imports = _gauge("imports_open", "Uploads not yet worked off")
    imports.add_metric([], counts.imports_open)
    unknown = _gauge("ledger_unknown_calls", "Paid calls of which nobody knows whether they count")
    unknown.add_metric([], counts.unknown_calls)
    return leads, scored, imports, unknown


def _spending(counts: Counts) -> Iterable[GaugeMetricFamily]:
    spent = _gauge(
        "ledger_spent",
        "Settled today, or this month",
        "account",
        "unit",
    )
    held = _gauge("ledger_held", "Reserved and not yet settled", "account", "unit")
    limit = _gauge("ledger_limit", "What may be spent in that time", "account", "unit")
    for each in counts.spending:
        labels = [each.account.rpartition(":")[0] or each.account, each.unit]
        spent.add_metric(labels, each.spent)
        held.add_metric(labels, each.held)
        if each.limit is not None:
            limit.add_metric(labels, each.limit)
    return spent, held, limit


def _vendors(vendors: Mapping[str, VendorOverview]) -> Iterable[GaugeMetricFamily]:
    away = _gauge("vendor_breaker_open", "1 while a vendor is not called after failures", "vendor")
    broke = _gauge(
        "vendor_out_of_credit", "1 while nothing is bought, our account is used up", "vendor"
    )
    pace = _gauge("vendor_requests_per_minute", "The pace at which it may be called now", "vendor")
    for name, vendor in vendors.items():
        away.add_metric([name], 0 if vendor.open_until is None else 1)
        broke.add_metric([name], 0 if vendor.out_of_credit_until is None else 1)
        if vendor.requests_per_minute is not None:
            pace.add_metric([name], vendor.requests_per_minute)
    return away, broke, pace


def _calls(calls: Mapping[tuple[str, str], Tally]) -> CounterMetricFamily:
    family = CounterMetricFamily(
        "leadengine_vendor_calls",
        "Calls to vendors, some seconds behind",
        labels=["vendor", "operation", "outcome"],
    )
    for (vendor, operation), tally in calls.items():
        for outcome, number in tally.by_outcome.items():
            family.add_metric([vendor, operation, outcome.value], number)
    return family


def _durations(calls: Mapping[tuple[str, str], Tally]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(
        "leadengine_vendor_call_seconds",
        "How long calls to vendors took",
        labels=["vendor", "operation"],
    )
    bounds = [*map(str, BUCKETS), "+Inf"]
    for (vendor, operation), tally in calls.items():
        upto = list(zip(bounds, accumulate(tally.buckets), strict=True))
        family.add_metric([vendor, operation], upto, tally.seconds)
    return family


def _gauge(name: str, what: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"leadengine_{name}", what, labels=labels)
