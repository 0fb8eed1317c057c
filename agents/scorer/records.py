"""What is kept of a score: the result, the lead's headline, the timeline, the decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from agents.agent import Turn
from policies.decision import Decision
from policies.lead import LeadId
from policies.scoring import Evidence, Score
from storage import activities, decisions, leads, scoring
from storage.activities import Activity
from storage.database import Connection
from storage.leads import Scored
from storage.scoring import ScoringResult

SCORER = "scorer"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The score of one lead and where it comes from.

    Attributes:
        algorithm_id: of the algorithm that scored.
        policy: its name and version.
    """

    lead_id: LeadId
    score: Score
    evidence: Evidence
    algorithm_id: UUID
    policy: str


async def keep(db: Connection, verdicts: Sequence[Verdict], *, now: datetime) -> None:
    """Keep the scores on the leads, as results and in the timelines."""
    await scoring.keep_results(db, [_result(verdict, now) for verdict in verdicts])
    await leads.set_scores(db, [_headline(verdict) for verdict in verdicts], now=now)


async def explain(
    db: Connection, verdicts: Sequence[Verdict], turn: Turn, *, now: datetime
) -> None:
    """Keep the timeline and the decisions; last in a transaction, for their chain is locked."""
    correlation_id = turn.correlation_id
    happened = [_activity(verdict, correlation_id, now) for verdict in verdicts]
    await activities.record(db, happened)
    await decisions.keep(
        db,
        SCORER,
        [_decision(verdict) for verdict in verdicts],
        correlation_id=correlation_id,
        now=now,
    )


def _result(verdict: Verdict, now: datetime) -> ScoringResult:
    score, judgement = verdict.score, verdict.evidence.judgement
    return ScoringResult(
        lead_id=verdict.lead_id,
        algorithm_id=verdict.algorithm_id,
        score=score.score,
        probability=score.probability,
        confidence=score.confidence,
        low=score.low,
        high=score.high,
        tier=str(score.tier),
        judges=score.judges,
        detail={
            "reasoning": score.reasoning,
            "tags": list(score.tags),
            "follow_ups": list(score.follow_ups),
            "parts": [
                {"name": part.name, "state": part.state, "points": round(part.points, 3)}
                for part in score.parts
            ],
            "rubric_logit": round(judgement.logit, 6) if judgement else None,
        },
        scored_at=now,
    )


def _headline(verdict: Verdict) -> Scored:
    score = verdict.score
    return Scored(verdict.lead_id, score.score, score.confidence, str(score.tier), score.tags)


def _activity(verdict: Verdict, correlation_id: str | None, now: datetime) -> Activity:
    score = verdict.score
    return Activity(
        at=now,
        lead_id=verdict.lead_id,
        kind="lead.scored",
        actor=SCORER,
        details={"score": score.score, "tier": str(score.tier), "judges": list(score.judges)},
        correlation_id=correlation_id,
    )


def _decision(verdict: Verdict) -> Decision:
    score, judgement = verdict.score, verdict.evidence.judgement
    return Decision(
        action="score",
        subject=verdict.lead_id,
        verdict=str(score.score),
        reasons=(score.reasoning,),
        policy=verdict.policy,
        inputs={
            "algorithm": str(verdict.algorithm_id),
            "codes": list(score.codes),
            "probability": round(score.probability, 6),
            "levels": dict(judgement.levels) if judgement else None,
            "rubric_logit": round(judgement.logit, 6) if judgement else None,
            "without": verdict.evidence.absent,
        },
    )
