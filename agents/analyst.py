"""Learns from outcomes, and compares what it learned with the algorithm in force.

Learning takes seconds to minutes of one core: it runs in a thread while the lease is kept.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import numpy as np

from agents.agent import Done, Outcome, Refuse, Turn
from agents.messages import FitAlgorithm, Message
from agents.training.learn import Lesson, Material, dated, learn, versus
from policies.algorithm import (
    Definition,
    Ensemble,
    Learned,
    Settings,
    Trees,
    dump_definition,
    parse_definition,
)
from policies.decision import Decision
from policies.outcome import Outcomes
from policies.promotion import Comparison
from storage import activities, decisions, scoring, training_set
from storage.activities import Activity
from storage.scoring import AlgorithmNotFound, AlgorithmStatus, StoredAlgorithm

CAN_FIT = (AlgorithmStatus.DRAFT, AlgorithmStatus.FITTING, AlgorithmStatus.FAILED)


class Analyst:
    """The agent that learns what makes a good lead.

    Args:
        clock: the time (aware UTC).
    """

    role: ClassVar[str] = "analyst"
    batches: ClassVar[Mapping[str, int]] = {}

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    async def handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        """Fit an algorithm."""
        match messages[0]:
            case FitAlgorithm(algorithm_id=algorithm_id):
                return await self._fit(algorithm_id, turn)
            case other:
                return Refuse(f"the analyst does not know what to do with {other.kind}")

    async def _fit(self, algorithm_id: UUID, turn: Turn) -> Outcome:
        try:
            async with turn.intent() as db:
                kept = await scoring.get(db, algorithm_id, lock=True)
                if kept.status not in CAN_FIT:
                    return Done()
                await scoring.set_fitting(db, kept.id)
        except AlgorithmNotFound:
            return Refuse("the algorithm was deleted before it could be fitted")
        definition = parse_definition(kept.definition)
        material = await self._material(settings_of(definition), turn)
        try:
            lesson = await asyncio.to_thread(learn, definition, material)
        except ValueError as problem:
            return await self._cannot(kept, str(problem), turn)
        await turn.reach("fit.after")
        compared = await self._compare(lesson, material, turn)
        learned = replace(lesson, definition=dated(lesson, material))
        await self._keep(kept, learned, compared, turn)
        return Done()

    async def _material(self, settings: Settings, turn: Turn) -> Material:
        rows = await training_set.read(
            turn.database,
            source=settings.source,
            import_id=settings.import_id,
            newest=settings.newest,
        )
        async with turn.database.reading() as db:
            known = await scoring.rubric_logits(db, rows.ids)
        converted = np.array([outcome is True for outcome in rows.outcomes], bool)
        decided = np.array([outcome is not None for outcome in rows.outcomes], bool)
        rubric = np.array([known.get(lead_id, np.nan) for lead_id in rows.ids], float)
        return Material(rows.columns, Outcomes(converted, decided), rubric, rows.created_at)

    async def _compare(self, lesson: Lesson, material: Material, turn: Turn) -> Comparison | None:
        """Judge the lesson against the algorithm in force, if that can score."""
        async with turn.database.transaction() as db:
            champion = await scoring.active(db)
        if champion is None:
            return None
        present = parse_definition(champion.definition)
        return await asyncio.to_thread(versus, lesson, present, material)

    async def _keep(
        self, kept: StoredAlgorithm, lesson: Lesson, compared: Comparison | None, turn: Turn
    ) -> None:
        now = self._clock()
        report = lesson.report | {"comparison": None if compared is None else _document(compared)}
        async with turn.commit() as db:
            await scoring.set_fitted(
                db, kept.id, definition=dump_definition(lesson.definition), report=report
            )
            await activities.record(db, [_activity("algorithm.fitted", kept, now)])
            if compared is not None:
                await decisions.keep(
                    db,
                    self.role,
                    [_verdict(kept, compared)],
                    correlation_id=turn.correlation_id,
                    now=now,
                )

    async def _cannot(self, kept: StoredAlgorithm, problem: str, turn: Turn) -> Outcome:
        async with turn.commit() as db:
            await scoring.set_failed(db, kept.id, problem)
            await activities.record(db, [_activity("algorithm.failed", kept, self._clock())])
        return Done()


def settings_of(definition: Definition) -> Settings:
    """From which leads an algorithm learns."""
    base = definition.base if isinstance(definition, Ensemble) else definition
    return base.settings if isinstance(base, Learned | Trees) else Settings()


def _document(compared: Comparison) -> dict[str, Any]:
    """As JSON, whose names are plain strings."""
    shares = {str(tier): list(both) for tier, both in compared.shares.items()}
    return asdict(compared) | {"shares": shares}


def _activity(kind: str, kept: StoredAlgorithm, now: datetime) -> Activity:
    details = {"algorithm": str(kept.id), "name": kept.name, "version": kept.version}
    return Activity(now, None, kind, Analyst.role, details)


def _verdict(kept: StoredAlgorithm, compared: Comparison) -> Decision:
    return Decision(
        action="recommend_algorithm",
        subject=kept.id,
        verdict="promote" if compared.promote else "keep",
        reasons=compared.reasons,
        policy="promotion@1",
        inputs={
            "difference": compared.difference,
            "standard_error": compared.standard_error,
            "champion_auc": compared.champion.auc,
            "challenger_auc": compared.challenger.auc,
            "challenger_ece": compared.challenger.ece,
            "shares": {str(tier): list(both) for tier, both in compared.shares.items()},
        },
    )
