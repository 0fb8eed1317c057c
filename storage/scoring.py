"""Scoring algorithms and their life, what they said of leads, and what GPT-4 has answered before.

An algorithm is ``draft`` until it is fitted, ``fitting`` meanwhile, a ``challenger`` once it can
score. Exactly one is ``active``; the one before it is ``retired`` and can come back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, insert, select, text, update

from storage import tables
from storage.database import Connection
from storage.errors import NotFound
from storage.ids import new_id
from storage.scoring_results import (
    CachedJudgement,
    ScoringResult,
    judgements,
    keep_judgements,
    keep_results,
    latest,
    of_lead,
    rubric_logits,
)

__all__ = [
    "AlgorithmNotFound",
    "AlgorithmStatus",
    "AlgorithmStatusError",
    "CachedJudgement",
    "ScoringResult",
    "StoredAlgorithm",
    "activate",
    "active",
    "active_id",
    "all_algorithms",
    "by_name",
    "create",
    "delete_draft",
    "ensure_default",
    "get",
    "judgements",
    "keep_judgements",
    "keep_results",
    "latest",
    "of_lead",
    "rubric_logits",
    "set_failed",
    "set_fitted",
    "set_fitting",
]


class AlgorithmStatus(StrEnum):
    """Where an algorithm stands."""

    DRAFT = "draft"
    FITTING = "fitting"
    CHALLENGER = "challenger"
    ACTIVE = "active"
    RETIRED = "retired"
    FAILED = "failed"


_CAN_FIT = (AlgorithmStatus.DRAFT, AlgorithmStatus.FAILED, AlgorithmStatus.FITTING)
_CAN_ACTIVATE = (AlgorithmStatus.CHALLENGER, AlgorithmStatus.RETIRED)
_CAN_DELETE = (AlgorithmStatus.DRAFT, AlgorithmStatus.FAILED, AlgorithmStatus.CHALLENGER)


class AlgorithmNotFound(NotFound):
    """There is no such algorithm."""


class AlgorithmStatusError(ValueError):
    """That cannot be done to an algorithm that stands where it does."""


@dataclass(frozen=True, slots=True)
class StoredAlgorithm:
    """One version of a scoring algorithm.

    Attributes:
        version: counts up within a name, from 1.
        definition: JSON values, as `policies.algorithm` reads them.
        report: how it did on outcomes it had not seen; None until fitted.
        problem: why fitting failed.
        parent_id: the version it was made from.
        activated_at: the last time.
    """

    id: UUID
    name: str
    version: int
    kind: str
    definition: Mapping[str, Any]
    report: Mapping[str, Any] | None
    status: AlgorithmStatus
    problem: str | None
    parent_id: UUID | None
    created_by: str
    created_at: datetime
    activated_at: datetime | None


async def create(
    db: Connection,
    *,
    name: str,
    definition: Mapping[str, Any],
    ready: bool,
    created_by: str,
    now: datetime,
    parent_id: UUID | None = None,
) -> StoredAlgorithm:
    """Keep a new version of the algorithm ``name``.

    Args:
        definition: with its ``kind``.
        ready: whether it can score without being fitted first.
    """
    await _one_at_a_time(db)
    table = tables.scoring_algorithms
    newest = await db.scalar(select(func.max(table.c.version)).where(table.c.name == name))
    algorithm_id = new_id(now)
    await db.execute(
        insert(table).values(
            id=algorithm_id,
            name=name,
            version=(newest or 0) + 1,
            kind=str(definition["kind"]),
            definition=dict(definition),
            status=(AlgorithmStatus.CHALLENGER if ready else AlgorithmStatus.DRAFT).value,
            parent_id=parent_id,
            created_by=created_by,
            created_at=now,
        )
    )
    return await get(db, algorithm_id)


async def get(db: Connection, algorithm_id: UUID, *, lock: bool = False) -> StoredAlgorithm:
    """Read an algorithm.

    Raises:
        AlgorithmNotFound: if there is none.
    """
    table = tables.scoring_algorithms
    query = select(table).where(table.c.id == algorithm_id)
    found = (await db.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    if found is None:
        raise AlgorithmNotFound(f"there is no scoring algorithm {algorithm_id}")
    return _algorithm(found)


async def by_name(db: Connection, name: str, version: int | None = None) -> StoredAlgorithm | None:
    """Return a version of the algorithm ``name``, the newest if none is named."""
    table = tables.scoring_algorithms
    query = select(table).where(table.c.name == name).order_by(table.c.version.desc()).limit(1)
    if version is not None:
        query = query.where(table.c.version == version)
    found = (await db.execute(query)).mappings().one_or_none()
    return None if found is None else _algorithm(found)


async def active(db: Connection) -> StoredAlgorithm | None:
    """Return the algorithm that scores now; None before the first start."""
    table = tables.scoring_algorithms
    query = select(table).where(table.c.status == AlgorithmStatus.ACTIVE.value)
    found = (await db.execute(query)).mappings().one_or_none()
    return None if found is None else _algorithm(found)


async def active_id(db: Connection) -> UUID | None:
    """Return which algorithm scores now, without its definition; None before the first start."""
    table = tables.scoring_algorithms
    return await db.scalar(select(table.c.id).where(table.c.status == AlgorithmStatus.ACTIVE.value))


async def all_algorithms(
    db: Connection, *, status: AlgorithmStatus | None = None
) -> list[StoredAlgorithm]:
    """Return every version of every algorithm, the newest first."""
    table = tables.scoring_algorithms
    query = select(table).order_by(table.c.created_at.desc(), table.c.id.desc())
    if status is not None:
        query = query.where(table.c.status == status.value)
    return [_algorithm(row) for row in (await db.execute(query)).mappings()]


async def set_fitting(db: Connection, algorithm_id: UUID) -> StoredAlgorithm:
    """Say that an algorithm is being fitted; again after a crash is allowed.

    Raises:
        AlgorithmNotFound: if there is none.
        AlgorithmStatusError: if it is fitted already: make a new version of it.
    """
    await _stands(db, algorithm_id, _CAN_FIT, "be fitted")
    return await _move(db, algorithm_id, AlgorithmStatus.FITTING, problem=None)


async def set_fitted(
    db: Connection, algorithm_id: UUID, *, definition: Mapping[str, Any], report: Mapping[str, Any]
) -> StoredAlgorithm:
    """Keep what fitting made of an algorithm: it is a challenger now.

    Raises:
        AlgorithmNotFound: if there is none.
        AlgorithmStatusError: if it was not being fitted.
    """
    await _stands(db, algorithm_id, _CAN_FIT, "be fitted")
    return await _move(
        db,
        algorithm_id,
        AlgorithmStatus.CHALLENGER,
        definition=dict(definition),
        report=dict(report),
        problem=None,
    )


async def set_failed(db: Connection, algorithm_id: UUID, problem: str) -> StoredAlgorithm:
    """Say why an algorithm could not be fitted.

    Raises:
        AlgorithmNotFound: if there is none.
        AlgorithmStatusError: if it was not being fitted.
    """
    await _stands(db, algorithm_id, _CAN_FIT, "fail to be fitted")
    return await _move(db, algorithm_id, AlgorithmStatus.FAILED, problem=problem)


async def activate(db: Connection, algorithm_id: UUID, *, now: datetime) -> StoredAlgorithm | None:
    """Let an algorithm score from now on; retire the one before it and return that.

    To activate the active one changes nothing.

    Raises:
        AlgorithmNotFound: if there is none.
        AlgorithmStatusError: if it cannot score.
    """
    await _one_at_a_time(db)
    former = await active(db)
    if former is not None and former.id == algorithm_id:
        return former
    await _stands(db, algorithm_id, _CAN_ACTIVATE, "score leads")
    if former is not None:
        former = await _move(db, former.id, AlgorithmStatus.RETIRED)
    await _move(db, algorithm_id, AlgorithmStatus.ACTIVE, activated_at=now)
    return former


async def delete_draft(db: Connection, algorithm_id: UUID) -> None:
    """Delete an algorithm that never scored a lead.

    Raises:
        AlgorithmNotFound: if there is none.
        AlgorithmStatusError: if it scored leads: what it said must stay explicable.
    """
    await _stands(db, algorithm_id, _CAN_DELETE, "be deleted")
    results, table = tables.scoring_results, tables.scoring_algorithms
    used = select(results.c.id).where(results.c.algorithm_id == algorithm_id).limit(1)
    if await db.scalar(used) is not None:
        raise AlgorithmStatusError("an algorithm that has scored leads cannot be deleted")
    await db.execute(delete(table).where(table.c.id == algorithm_id))


async def ensure_default(
    db: Connection, *, name: str, definition: Mapping[str, Any], now: datetime
) -> StoredAlgorithm:
    """Return the active algorithm; if there is none, make this one and activate it."""
    await _one_at_a_time(db)
    found = await active(db)
    if found is not None:
        return found
    made = await create(
        db, name=name, definition=definition, ready=True, created_by="system", now=now
    )
    await activate(db, made.id, now=now)
    return await get(db, made.id)


async def _one_at_a_time(db: Connection) -> None:
    """Wait for others that number or activate algorithms; what comes next sees what they did."""
    await db.execute(text("SELECT pg_advisory_xact_lock(hashtext('scoring_algorithms'))"))


async def _stands(
    db: Connection, algorithm_id: UUID, allowed: Sequence[AlgorithmStatus], what: str
) -> None:
    found = await get(db, algorithm_id, lock=True)
    if found.status not in allowed:
        raise AlgorithmStatusError(
            f"an algorithm that is {found.status} cannot {what}, only one that is "
            f"{' or '.join(allowed)}"
        )


async def _move(
    db: Connection,
    algorithm_id: UUID,
    status: AlgorithmStatus,
    **values: Any,  # noqa: ANN401
) -> StoredAlgorithm:
    table = tables.scoring_algorithms
    await db.execute(
        update(table).where(table.c.id == algorithm_id).values(status=status.value, **values)
    )
    return await get(db, algorithm_id)


def _algorithm(row: RowMapping) -> StoredAlgorithm:
    values: dict[str, Any] = {**dict(row), "status": AlgorithmStatus(row["status"])}
    return StoredAlgorithm(**values)
