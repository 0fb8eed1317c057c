"""What happens by the clock: a tick is a message, posted once a moment however many ask.

A moment that passed while nothing ran is not made up for: each of these looks at everything
there is, so the next moment does the work of all that were missed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agents.messages import Tick, encode
from cluster.settings import Settings
from cluster.vendors import ready
from storage.mailbox import Letter

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurring tick.

    Attributes:
        name: what the agent is told.
        recipient: the agent's role.
        every: between two moments; moments are whole multiples of it since 2020, UTC.
    """

    name: str
    recipient: str
    every: timedelta

    def moment(self, now: datetime) -> datetime:
        """The last moment at or before ``now``."""
        return EPOCH + (now - EPOCH) // self.every * self.every


SCHEDULES = (
    Schedule("ledger", "supervisor", timedelta(minutes=1)),
    Schedule("invariants", "supervisor", timedelta(minutes=5)),
    Schedule("purge", "supervisor", timedelta(hours=1)),
    Schedule("partitions", "supervisor", timedelta(hours=6)),
)
"""What happens whatever is connected."""
_SOURCES = (
    Schedule("sources.usage", "prospector", timedelta(minutes=15)),
    Schedule("recheck", "enricher", timedelta(hours=1)),
)
OF_VENDORS: Mapping[str, Sequence[Schedule]] = {
    "uplead": _SOURCES,
    "zoominfo": _SOURCES,
    "linkedin": (Schedule("linkedin.poll", "prospector", timedelta(minutes=5)),),
    "salesforce": (
        Schedule("crm.sync", "crm_syncer", timedelta(minutes=1)),
        Schedule("crm.poll", "crm_syncer", timedelta(minutes=1)),
        Schedule("crm.drift", "crm_syncer", timedelta(hours=6)),
    ),
}
"""What happens while a vendor is connected."""


def schedules(settings: Settings) -> list[Schedule]:
    """What is to happen by the clock, with the vendors that are connected."""
    outside = [each for name in ready(settings) for each in OF_VENDORS.get(name, ())]
    return [*SCHEDULES, *dict.fromkeys(outside)]


def ticks(schedules: Iterable[Schedule], now: datetime) -> list[Letter]:
    """The letters of each schedule's last moment; their keys let each be posted only once."""
    return [_letter(schedule, schedule.moment(now)) for schedule in schedules]


def _letter(schedule: Schedule, moment: datetime) -> Letter:
    tick = Tick(schedule.name, moment)
    key = f"tick:{schedule.name}:{moment:%Y-%m-%dT%H:%M:%SZ}"
    return Letter(schedule.recipient, tick.kind, encode(tick), key=key)
