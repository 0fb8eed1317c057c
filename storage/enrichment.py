"""What the sources were asked about leads, and how often their answers helped."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from policies.contact_points import normal_email
from policies.hit_rates import Outcomes, Tally
from policies.lead import LeadId
from policies.prospect import EmailStatus, PersonQuery
from storage.database import Connection, driver
from storage.sealing import Sealer

QUESTION = "enrichment_asks.question"


@dataclass(frozen=True, slots=True)
class Ask:
    """What one source was asked about a lead.

    Attributes:
        answers: questions answered so far.
        call_id: of the call under way; None if there is none.
        question: of the call under way.
        named_by: keyed hash of the last question that was answered.
        answered_at: aware UTC.
        record_id: the source's own name for the person.
        email_key: blind index of the address that it told.
        postponed: times in a row that it was away.
    """

    answers: int = 0
    call_id: UUID | None = None
    question: PersonQuery | None = None
    named_by: bytes | None = None
    answered_at: datetime | None = None
    found: bool = False
    record_id: str | None = None
    email_key: bytes | None = None
    postponed: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one question.

    Attributes:
        email: the address that was told; only its blind index is kept.
    """

    question: PersonQuery
    found: bool = False
    record_id: str | None = None
    email: str | None = None


async def outcomes(db: Connection) -> Outcomes:
    """Return every counter, by source, field and segment."""
    rows = await (await driver(db)).fetch("SELECT * FROM enrichment_outcomes")
    return {
        (row["source"], row["field"], row["segment"]): Tally(
            row["asked"], row["hits"], row["billed"], row["billed_hits"], row["credits"]
        )
        for row in rows
    }


async def learn(db: Connection, news: Outcomes) -> None:
    """Add to the counters. Call it late in a transaction: others who add to the same ones wait."""
    if not news:
        return
    keys = sorted(news)
    await (await driver(db)).execute(
        _LEARN,
        [source for source, _, _ in keys],
        [field for _, field, _ in keys],
        [segment for _, _, segment in keys],
        [news[key].asked for key in keys],
        [news[key].hits for key in keys],
        [news[key].billed for key in keys],
        [news[key].billed_hits for key in keys],
        [news[key].credits for key in keys],
    )


async def asks(db: Connection, sealer: Sealer, ids: Sequence[UUID]) -> dict[LeadId, dict[str, Ask]]:
    """Return what was asked about leads, by lead and source."""
    found: dict[LeadId, dict[str, Ask]] = {LeadId(lead_id): {} for lead_id in ids}
    for row in await (await driver(db)).fetch(_ASKS, list(found)):
        found[LeadId(row["lead_id"])][row["source"]] = Ask(
            row["answers"],
            row["call_id"],
            _question(sealer, row),
            row["named_by"],
            row["answered_at"],
            row["found"],
            row["record_id"],
            row["email_key"],
            row["postponed"],
        )
    return found


async def mail_servers(db: Connection, domains: Collection[str]) -> dict[str, frozenset[str]]:
    """Return, by domain, the sources that say its mail server takes every address.

    A domain of which no source has said a word is left out.
    """
    rows = await (await driver(db)).fetch(_MAIL_SERVERS, list(domains))
    return {row["domain"]: frozenset(row["sources"]) for row in rows}


async def learn_mail(
    db: Connection, source: str, told: Mapping[str, tuple[int, int]], *, now: datetime
) -> None:
    """Add what a source told of mail servers, by domain.

    Args:
        told: addresses that were checked, and answers that every address is taken.
    """
    if not told:
        return
    domains = sorted(told)
    await (await driver(db)).execute(
        _LEARN_MAIL,
        domains,
        [told[domain][0] for domain in domains],
        [told[domain][1] for domain in domains],
        source,
        now,
    )


async def records(db: Connection, ids: Sequence[UUID]) -> dict[tuple[LeadId, str], str]:
    """Return the names that leads have at the sources they came from, by lead and source."""
    rows = await (await driver(db)).fetch(_RECORDS, list(ids))
    return {(LeadId(row["lead_id"]), row["source"]): row["record_id"] for row in rows}


async def under_way(
    db: Connection, sealer: Sealer, call_ids: Sequence[UUID]
) -> dict[UUID, list[PersonQuery]]:
    """Return the whole questions of calls that have no answer yet, by call."""
    found: dict[UUID, list[PersonQuery]] = {}
    for row in await (await driver(db)).fetch(_UNDER_WAY, list(call_ids)):
        question = _question(sealer, row)
        if question is not None:
            found.setdefault(row["call_id"], []).append(question)
    return found


async def ask(
    db: Connection, sealer: Sealer, source: str, call_id: UUID, questions: Sequence[PersonQuery]
) -> set[UUID]:
    """Keep questions, whose keys are leads, before they are asked in one call.

    Return the leads about which nobody else is asking the same source: only these may be asked.
    """
    ids = [question.key for question in questions]
    sealed = sealer.seal_many(QUESTION, ids, [_text(question) for question in questions])
    rows = await (await driver(db)).fetch(_ASK, ids, sealed, source, call_id)
    return {row["lead_id"] for row in rows}


async def drop(db: Connection, call_id: UUID) -> None:
    """Forget the questions of a call that surely got no answer."""
    await (await driver(db)).execute(_DROP, call_id)


async def postpone(db: Connection, waiting: Sequence[tuple[UUID, str]]) -> None:
    """Count one more time that a source was away, by lead and source."""
    if waiting:
        await (await driver(db)).execute(
            _POSTPONE, [lead_id for lead_id, _ in waiting], [source for _, source in waiting]
        )


async def answer(
    db: Connection, sealer: Sealer, call_id: UUID, answers: Sequence[Answered], *, now: datetime
) -> set[UUID]:
    """Keep what came of the questions of a call.

    Return the leads whose question was still open: what else the answer brings is kept for these
    only, for somebody may have made the same call again.
    """
    if not answers:
        return set()
    emails = [normal_email(each.email) if each.email else None for each in answers]
    rows = await (await driver(db)).fetch(
        _ANSWER,
        [each.question.key for each in answers],
        named_by(sealer, [each.question for each in answers]),
        [each.found for each in answers],
        [each.record_id for each in answers],
        sealer.blind_many("email", emails),
        call_id,
        now,
    )
    return {row["lead_id"] for row in rows}


async def old_addresses(
    db: Connection, sources: Collection[str], *, before: datetime, limit: int
) -> list[LeadId]:
    """Return leads whose address one of ``sources`` told before, and none was asked about since.

    The oldest come first; leads that nobody will write to are left out.
    """
    rows = await (await driver(db)).fetch(_OLD_ADDRESSES, list(sources), before, limit)
    return [LeadId(row["lead_id"]) for row in rows]


def named_by(sealer: Sealer, questions: Sequence[PersonQuery]) -> list[bytes | None]:
    """Return a keyed hash of each question: the same for the same words about a person."""
    words = [
        [each.email, each.first_name, each.last_name, each.company, each.domain]
        for each in questions
    ]
    return sealer.blind_many("question", [orjson.dumps(each).decode() for each in words])


def _text(question: PersonQuery) -> str:
    said: Mapping[str, Any] = asdict(question)
    told = {name: value for name, value in said.items() if value and name != "key"}
    return orjson.dumps(told).decode()


def _question(sealer: Sealer, row: asyncpg.Record) -> PersonQuery | None:
    text = sealer.open(QUESTION, row["lead_id"], row["question"])
    if text is None:
        return None
    said: dict[str, Any] = orjson.loads(text)
    known = {field.name for field in fields(PersonQuery)}
    told = {name: value for name, value in said.items() if name in known}
    if "least" in told:
        told["least"] = EmailStatus(told["least"])
    return PersonQuery(**told | {"key": row["lead_id"]})


_LEARN = """
INSERT INTO enrichment_outcomes AS o
  (source, field, segment, asked, hits, billed, billed_hits, credits)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
  $6::bigint[], $7::bigint[], $8::bigint[]) u(s, f, g, a, h, b, t, c) ORDER BY s, f, g
ON CONFLICT (source, field, segment) DO UPDATE SET asked = o.asked + excluded.asked,
  hits = o.hits + excluded.hits, billed = o.billed + excluded.billed,
  billed_hits = o.billed_hits + excluded.billed_hits, credits = o.credits + excluded.credits
"""
_MAIL_SERVERS = """
SELECT domain, coalesce(array_agg(source) FILTER (WHERE catch_all > checked), '{}') AS sources
FROM mail_domains WHERE domain = ANY($1::text[]) GROUP BY domain
"""
_LEARN_MAIL = """
INSERT INTO mail_domains AS m (domain, source, checked, catch_all, seen_at)
SELECT d, $4, c, a, $5 FROM unnest($1::text[], $2::int[], $3::int[]) u(d, c, a) ORDER BY d
ON CONFLICT (domain, source) DO UPDATE SET checked = m.checked + excluded.checked,
  catch_all = m.catch_all + excluded.catch_all, seen_at = excluded.seen_at
"""
_ASKS = "SELECT * FROM enrichment_asks WHERE lead_id = ANY($1::uuid[])"
_RECORDS = "SELECT lead_id, source, record_id FROM lead_sources WHERE lead_id = ANY($1::uuid[])"
_UNDER_WAY = """
SELECT lead_id, call_id, question FROM enrichment_asks
WHERE call_id = ANY($1::uuid[]) ORDER BY call_id, lead_id
"""
_ASK = """
INSERT INTO enrichment_asks AS a (lead_id, source, call_id, question)
SELECT l.id, $3, $4, u.q FROM unnest($1::uuid[], $2::bytea[]) u(id, q) JOIN leads l USING (id)
ORDER BY l.id
ON CONFLICT (lead_id, source) DO UPDATE SET call_id = excluded.call_id, question = excluded.question
WHERE a.call_id IS NULL OR a.call_id = excluded.call_id
RETURNING lead_id
"""
_DROP = "UPDATE enrichment_asks SET call_id = NULL, question = NULL WHERE call_id = $1"
_POSTPONE = """
INSERT INTO enrichment_asks AS a (lead_id, source, postponed)
SELECT l.id, u.s, 1 FROM unnest($1::uuid[], $2::text[]) u(id, s) JOIN leads l USING (id)
ORDER BY l.id, u.s
ON CONFLICT (lead_id, source) DO UPDATE SET postponed = a.postponed + 1
"""
_ANSWER = """
WITH open AS (
  SELECT lead_id, source FROM enrichment_asks WHERE call_id = $6 ORDER BY lead_id FOR UPDATE)
UPDATE enrichment_asks a SET answers = a.answers + 1, call_id = NULL, question = NULL,
  named_by = u.n, answered_at = $7, found = u.f, record_id = coalesce(u.r, a.record_id),
  email_key = u.e, postponed = 0
FROM open JOIN unnest($1::uuid[], $2::bytea[], $3::boolean[], $4::text[], $5::bytea[])
  u(l, n, f, r, e) ON u.l = open.lead_id
WHERE a.lead_id = open.lead_id AND a.source = open.source
RETURNING a.lead_id
"""
_OLD_ADDRESSES = """
SELECT f.lead_id FROM lead_facts f JOIN leads l ON l.id = f.lead_id
WHERE f.field = 'email_status' AND f.source = ANY($1::text[]) AND f.observed_at < $2
  AND l.deleted_at IS NULL AND l.status NOT IN ('disqualified', 'converted')
  AND NOT EXISTS (
    SELECT 1 FROM enrichment_asks a WHERE a.lead_id = f.lead_id AND a.answered_at >= $2)
ORDER BY f.observed_at LIMIT $3
"""
