"""What others told us, exactly as they said it, and each of their events once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from storage.database import Connection, driver
from storage.sealing import Sealer

COLUMN = "inbound_events.payload"


@dataclass(frozen=True, slots=True)
class Event:
    """An event of another system.

    Attributes:
        external_id: its name there; unique together with the source.
        payload: as it came; it may hold personal data and is sealed.
    """

    source: str
    external_id: str
    payload: str


async def keep(
    db: Connection, sealer: Sealer, events: Sequence[Event], *, now: datetime
) -> list[Event]:
    """Keep ``events``; return those that were never seen before, in order."""
    first: dict[tuple[str, str], Event] = {}
    for event in events:
        first.setdefault((event.source, event.external_id), event)
    if not first:
        return []
    sealed = [sealer.seal(COLUMN, _row(*name), event.payload) for name, event in first.items()]
    sources, ids = [source for source, _ in first], [external for _, external in first]
    rows = await (await driver(db)).fetch(_KEEP, sources, ids, sealed, now)
    new = {(row["source"], row["external_id"]) for row in rows}
    return [event for name, event in first.items() if name in new]


async def add(db: Connection, sealer: Sealer, event: Event, *, now: datetime) -> int | None:
    """Keep an event; return its id for a `WebhookReceived`, or None if it was seen before."""
    sealed = sealer.seal(COLUMN, _row(event.source, event.external_id), event.payload)
    return await (await driver(db)).fetchval(_ADD, event.source, event.external_id, sealed, now)


async def get(db: Connection, sealer: Sealer, event_id: int) -> Event | None:
    """Return a kept event as it came; None if it is not kept."""
    row = await (await driver(db)).fetchrow(_GET, event_id)
    if row is None:
        return None
    source: str = row["source"]
    external_id: str = row["external_id"]
    blob: bytes = row["payload"]
    return Event(source, external_id, sealer.open(COLUMN, _row(source, external_id), blob))


async def payload(db: Connection, sealer: Sealer, source: str, external_id: str) -> str | None:
    """Return an event as it came; None if it is not kept."""
    blob = await (await driver(db)).fetchval(_PAYLOAD, source, external_id)
    return sealer.open(COLUMN, _row(source, external_id), blob)


def _row(source: str, external_id: str) -> UUID:
    return uuid5(NAMESPACE_OID, f"inbound {source} {external_id}")


_KEEP = """
INSERT INTO inbound_events (source, external_id, payload, received_at)
SELECT s, e, p, $4 FROM unnest($1::text[], $2::text[], $3::bytea[]) u(s, e, p) ORDER BY s, e
ON CONFLICT (source, external_id) DO NOTHING RETURNING source, external_id
"""
_PAYLOAD = "SELECT payload FROM inbound_events WHERE source = $1 AND external_id = $2"
_ADD = """
INSERT INTO inbound_events (source, external_id, payload, received_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (source, external_id) DO NOTHING RETURNING id
"""
_GET = "SELECT source, external_id, payload FROM inbound_events WHERE id = $1"
