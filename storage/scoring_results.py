"""What algorithms said of leads, every time; and what GPT-4 has answered before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from policies.lead import LeadId
from storage.database import Connection, count, driver
from storage.ids import new_ids


@dataclass(frozen=True, slots=True)
class ScoringResult:
    """One score of one lead.

    Attributes:
        score, low, high: 0 to 100.
        probability, confidence: 0 to 1.
        judges: who spoke: ``"scorecard"``, ``"rubric"``.
        detail: reasoning, parts, tags, follow-ups (JSON values; no personal data).
        scored_at: aware UTC.
    """

    lead_id: LeadId
    algorithm_id: UUID
    score: int
    probability: float
    confidence: float
    low: int
    high: int
    tier: str
    judges: Sequence[str]
    detail: Mapping[str, Any]
    scored_at: datetime


@dataclass(frozen=True, slots=True)
class CachedJudgement:
    """What a model answered.

    Attributes:
        answer: JSON values.
    """

    model: str
    answer: Mapping[str, Any]


async def keep_results(db: Connection, rows: Sequence[ScoringResult]) -> int:
    """Keep results; those of leads that are gone for good are passed over."""
    if not rows:
        return 0
    return await count(
        await driver(db),
        _KEEP_RESULTS,
        new_ids(rows[0].scored_at, len(rows)),
        [row.lead_id for row in rows],
        [row.algorithm_id for row in rows],
        [row.score for row in rows],
        [row.probability for row in rows],
        [row.confidence for row in rows],
        [row.low for row in rows],
        [row.high for row in rows],
        [row.tier for row in rows],
        [_json(list(row.judges)) for row in rows],
        [_json(dict(row.detail)) for row in rows],
        [row.scored_at for row in rows],
    )


async def of_lead(db: Connection, lead_id: UUID, *, limit: int = 20) -> list[ScoringResult]:
    """Return the results of a lead, the newest first."""
    connection = await driver(db)
    return [_result(row) for row in await connection.fetch(_OF_LEAD, lead_id, limit)]


async def latest(db: Connection, ids: Sequence[UUID]) -> dict[LeadId, ScoringResult]:
    """Return the newest result of each lead that has one."""
    connection = await driver(db)
    rows = await connection.fetch(_LATEST, ids)
    return {LeadId(row["lead_id"]): _result(row) for row in rows}


async def rubric_logits(db: Connection, ids: Sequence[UUID]) -> dict[LeadId, float]:
    """Return what GPT-4's rubric said of each lead the last time it was asked, in logits."""
    connection = await driver(db)
    rows = await connection.fetch(_RUBRIC_LOGITS, ids)
    return {LeadId(row["lead_id"]): row["rubric_logit"] for row in rows}


async def judgements(db: Connection, hashes: Sequence[bytes]) -> dict[bytes, CachedJudgement]:
    """Return what was answered before, by hash of all that the model was shown."""
    connection = await driver(db)
    rows = await connection.fetch(_JUDGEMENTS, hashes)
    return {row["content_hash"]: CachedJudgement(row["model"], row["answer"]) for row in rows}


async def keep_judgements(
    db: Connection, answers: Mapping[bytes, CachedJudgement], *, now: datetime
) -> None:
    """Remember answers; the first one under a hash stays."""
    connection = await driver(db)
    hashes = sorted(answers)
    await connection.execute(
        _KEEP_JUDGEMENTS,
        hashes,
        [answers[each].model for each in hashes],
        [_json(dict(answers[each].answer)) for each in hashes],
        now,
    )


def _result(row: asyncpg.Record) -> ScoringResult:
    return ScoringResult(
        lead_id=LeadId(row["lead_id"]),
        algorithm_id=row["algorithm_id"],
        score=row["score"],
        probability=row["probability"],
        confidence=row["confidence"],
        low=row["low"],
        high=row["high"],
        tier=row["tier"],
        judges=tuple(row["judges"]),
        detail=row["detail"],
        scored_at=row["scored_at"],
    )


def _json(value: object) -> str:
    """Return JSON that PostgreSQL takes: models write NUL at times, and it cannot be kept."""
    text = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return orjson.dumps(_without_nul(value)).decode() if "\\u0000" in text else text


def _without_nul(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, Mapping):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(item) for item in value]
    return value


_KEEP_RESULTS = """
WITH kept AS (
  INSERT INTO scoring_results (id, lead_id, algorithm_id, score, probability, confidence, low, high,
    tier, judges, detail, scored_at)
  SELECT u.id, u.lead_id, u.algorithm_id, u.score, u.probability, u.confidence, u.low, u.high,
    u.tier, ARRAY(SELECT jsonb_array_elements_text(u.judges::jsonb)), u.detail::jsonb, u.scored_at
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::float8[], $6::float8[],
    $7::smallint[], $8::smallint[], $9::text[], $10::text[], $11::text[], $12::timestamptz[])
    u(id, lead_id, algorithm_id, score, probability, confidence, low, high, tier, judges, detail,
      scored_at)
  JOIN leads l ON l.id = u.lead_id
  RETURNING 1)
SELECT count(*) FROM kept
"""
_OF_LEAD = """
SELECT lead_id, algorithm_id, score, probability, confidence, low, high, tier, judges, detail,
  scored_at
FROM scoring_results WHERE lead_id = $1 ORDER BY scored_at DESC, id DESC LIMIT $2
"""
_LATEST = """
SELECT r.* FROM unnest($1::uuid[]) u(id) CROSS JOIN LATERAL (
  SELECT lead_id, algorithm_id, score, probability, confidence, low, high, tier, judges, detail,
    scored_at
  FROM scoring_results WHERE lead_id = u.id ORDER BY scored_at DESC, id DESC LIMIT 1) r
"""
_RUBRIC_LOGITS = """
SELECT DISTINCT ON (lead_id) lead_id, (detail->>'rubric_logit')::float AS rubric_logit
FROM scoring_results WHERE lead_id = ANY ($1) AND detail->>'rubric_logit' IS NOT NULL
ORDER BY lead_id, scored_at DESC
"""
_JUDGEMENTS = """
SELECT content_hash, model, answer FROM judgements WHERE content_hash = ANY($1::bytea[])
"""
_KEEP_JUDGEMENTS = """
INSERT INTO judgements (content_hash, model, answer, created_at)
SELECT u.hash, u.model, u.answer::jsonb, $4 FROM unnest($1::bytea[], $2::text[], $3::text[])
  u(hash, model, answer)
ON CONFLICT (content_hash) DO NOTHING
"""
