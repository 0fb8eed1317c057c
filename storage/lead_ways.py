"""Three ways to fill a page of a search, and which of them is the least work.

Where words are common, the list is read in its order until the page is full. Where they are rare,
all leads that have them are looked up and sorted. In between, leads are looked up within a window
of the list that should hold a page of them: the index of words and that of the order answer
together, and only leads that both name are read. PostgreSQL's statistics say how common words are;
where they are wrong, the page takes longer and is right all the same.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from storage.database import count
from storage.lead_bounds import Bounds
from storage.lead_conditions import Conditions
from storage.lead_rows import COLUMNS

FEW = 500
"""So many are looked up and sorted in no time."""
LOOK_UP, NAME, WINDOW = 2.4, 0.19, 600
"""Microseconds to look up a lead; to have the index name one that is not read; to have a window at
all. Measured among a million, each lead other than the last, as are those of `Place`."""
ROOM = 1.25
"""A window should hold so many pages; one in a hundred then turns out too small."""


@dataclass(frozen=True, slots=True)
class Place:
    """What leads are sorted by, the highest first, then by id.

    Attributes:
        value: the expression.
        highest: what it never exceeds; None where PostgreSQL has statistics of its own. Without
            any it takes a closed range for narrow and an open one for a third of the table.
        read_on: microseconds to read on by one lead.
        widen: microseconds to widen a window by one lead.
    """

    value: str
    highest: int | None
    read_on: float
    widen: float


NEWEST = Place("created_at", None, 0.42, 0.025)
"""Cheap: for the most part leads lie on the disk as they came."""
BEST = Place("coalesce(score, -1)", 100, 1.5, 0.12)


@dataclass(frozen=True, slots=True)
class Order:
    """In which order, after which lead, how many.

    Attributes:
        after: place and id of the last lead of the page before.
    """

    place: Place
    after: tuple[object, UUID] | None
    limit: int


async def find(
    connection: asyncpg.Connection, conditions: Conditions, order: Order, bounds: Bounds
) -> list[asyncpg.Record]:
    """Return rows of `lead_rows.COLUMNS`, in order."""
    total = max(await count(connection, _PLAN_EVERY_TIME), 1)
    if order.after is not None:
        conditions.add(f"({order.place.value}, id) < ($, $)", *order.after)
    if not conditions.words:
        return await _read_on(connection, conditions, order)
    matches = await _expected(connection, conditions)
    page = order.limit * total / matches
    window = int(ROOM * page)
    reading, looking = page * order.place.read_on, matches * LOOK_UP
    within = WINDOW + window * order.place.widen + matches * NAME
    if matches > FEW and within < min(reading, looking):
        rows = await _look_up_within(connection, conditions, order, window, bounds)
        if len(rows) == order.limit:
            return rows
    if matches > FEW and reading < looking:
        return await _read_on(connection, conditions, order)
    return await _look_up(connection, conditions, order)


async def _expected(connection: asyncpg.Connection, conditions: Conditions) -> int:
    """How many leads should match, at least one."""
    trial = conditions.copy().search(by_index=True)
    explained = await connection.fetch(_ESTIMATE.format(where=trial.text), *trial.values)
    return max(int(explained[0][0][0]["Plan"]["Plan Rows"]), 1)


async def _read_on(
    connection: asyncpg.Connection, conditions: Conditions, order: Order
) -> list[asyncpg.Record]:
    conditions = conditions.copy().search(by_index=False)
    return await connection.fetch(_filled(_IN_ORDER, conditions, order), *conditions.values)


async def _look_up(
    connection: asyncpg.Connection, conditions: Conditions, order: Order
) -> list[asyncpg.Record]:
    conditions = conditions.copy().search(by_index=True)
    return await connection.fetch(_filled(_SORTED, conditions, order), *conditions.values)


async def _look_up_within(
    connection: asyncpg.Connection,
    conditions: Conditions,
    order: Order,
    window: int,
    bounds: Bounds,
) -> list[asyncpg.Record]:
    """Return what the next ``window`` leads of the whole list hold; none where it is shorter."""
    if order.after is None:
        end = await bounds.after(connection, order.place.value, window)
    else:
        end = await connection.fetchrow(
            _BOUND.format(place=order.place.value), *order.after, window
        )
    if end is None:
        return []
    conditions = conditions.copy()
    if order.place.highest is None:  # an index of ranges answers this and no comparison of rows
        conditions.add(f"{order.place.value} >= $", end[0])
    else:
        conditions.add(f"{order.place.value} BETWEEN $ AND $", end[0], order.place.highest)
        conditions.add(f"({order.place.value}, id) > ($, $)", *end)
    return await _look_up(connection, conditions, order)


def _filled(statement: str, conditions: Conditions, order: Order) -> str:
    return statement.format(
        columns=COLUMNS, where=conditions.text, place=order.place.value, limit=order.limit
    )


_PLAN_EVERY_TIME = """
SELECT reltuples, set_config('plan_cache_mode', 'force_custom_plan', true),
  set_config('random_page_cost', '1.1', true)
FROM pg_class WHERE oid = 'leads'::regclass
"""
_IN_ORDER = """
SELECT {columns} FROM leads WHERE {where} ORDER BY {place} DESC, id DESC LIMIT {limit}
"""
_SORTED = """
WITH found AS MATERIALIZED (SELECT id, {place} AS place FROM leads WHERE {where}),
first AS (SELECT id, place FROM found ORDER BY place DESC, id DESC LIMIT {limit})
SELECT {columns} FROM first JOIN leads USING (id) ORDER BY place DESC, id DESC
"""
_BOUND = """
SELECT {place}, id FROM leads WHERE deleted_at IS NULL AND ({place}, id) < ($1, $2)
ORDER BY {place} DESC, id DESC OFFSET $3 LIMIT 1
"""
_ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT 1 FROM leads WHERE {where}"
