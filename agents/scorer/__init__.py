"""Scores leads: GPT-4's rubric and a scorecard, blended by `policies.scoring`.

Leads are taken in batches. What the model said about an unchanged lead is remembered and not paid
for again; where it cannot be asked, the scorecard speaks alone and the score says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from agents.agent import Done, Outcome, Refuse, Snooze, Turn
from agents.errors import VendorError
from agents.messages import LeadEnriched, Message, Rescore, SettleCalls
from agents.scorer import records
from agents.scorer.calls import RubricCalls, StillUnderWay
from agents.scorer.questions import Answers, Question, by_lead
from agents.scorer.records import Verdict
from agents.training.trees import TreeScorer
from policies import rubric
from policies.algorithm import Ensemble, Settings, Template, Trees, parse_definition
from policies.features import LeadFeatures
from policies.lead import Fact, Lead, LeadId
from policies.lead_features import lead_features
from policies.rubric import RubricAnswer
from policies.scorecard import Floats
from policies.scoring import Algorithm, Evidence
from storage import facts, leads, ledger, scoring
from storage.database import Connection
from storage.ledger import OpenEntry
from storage.scoring import CachedJudgement, StoredAlgorithm
from storage.sealing import Sealer

NO_MODEL = "no key is set"
NO_ALGORITHM = timedelta(seconds=30)
LOOKED_UP_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Active:
    """The algorithm in force, ready to score with."""

    id: UUID
    policy: str
    industry: str
    algorithm: Algorithm
    trees: TreeScorer | None


@dataclass(slots=True)
class _Work:
    """One lead on its way through a turn."""

    lead: Lead
    features: LeadFeatures
    question: Question | None = None
    answer: RubricAnswer | None = None
    absent: str | None = None
    interrupted: list[OpenEntry] = field(default_factory=list[OpenEntry])

    def evidence(self) -> Evidence:
        """What GPT-4 says, as far as the document supports it."""
        if self.question is None or self.answer is None:
            return Evidence(absent=self.absent)
        return Evidence(rubric.judge(self.answer, self.question.document))


class Scorer:
    """The agent that says what a lead is worth.

    Args:
        sealer: opens what the model must not see, to redact it.
        calls: paid questions to GPT-4; None where no key is set.
        clock: the time (aware UTC).
    """

    role: ClassVar[str] = "scorer"
    batches: ClassVar[Mapping[str, int]] = {"lead.enriched": 16, "lead.rescore": 16}

    def __init__(
        self, sealer: Sealer, calls: RubricCalls | None, clock: Callable[[], datetime]
    ) -> None:
        self._sealer = sealer
        self._calls = calls
        self._clock = clock
        self._active: _Active | None = None

    async def handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        """Score the leads of one turn, or settle interrupted calls."""
        match messages[0]:
            case LeadEnriched() | Rescore():
                ids = [m.lead_id for m in messages if isinstance(m, LeadEnriched | Rescore)]
                return await self._score([LeadId(i) for i in dict.fromkeys(ids)], turn)
            case SettleCalls():
                return await self._settle(turn)
            case other:
                return Refuse(f"the scorer does not know what to do with {other.kind}")

    async def _score(self, ids: Sequence[LeadId], turn: Turn) -> Outcome:
        async with turn.database.transaction() as db:
            active = await self._algorithm(db)
            if active is None:
                return Snooze(self._clock() + NO_ALGORITHM, "no scoring algorithm is active")
            work = await self._read(db, ids)
            if active.algorithm.asks_rubric:
                await self._prepare(db, work, active)
        answers = Answers()
        try:
            await self._recall(work, answers)
        except StillUnderWay as pending:
            if len(turn.envelopes) > 1:
                raise
            return Snooze(pending.until, str(pending))
        await self._ask(work, answers, turn)
        await self._commit(self._verdicts(work, active), answers, turn)
        return Done()

    async def _algorithm(self, db: Connection) -> _Active | None:
        """The algorithm in force; it is read again only when another one is."""
        now_active = await scoring.active_id(db)
        if now_active is None:
            return None
        if self._active is None or self._active.id != now_active:
            self._active = _ready(await scoring.get(db, now_active))
        return self._active

    async def _read(self, db: Connection, ids: Sequence[LeadId]) -> list[_Work]:
        found = await leads.get_many(db, self._sealer, ids)
        known: Mapping[LeadId, Sequence[Fact]] = await facts.of(db, ids)
        return [_Work(lead, lead_features(lead, known.get(lead.id, ()))) for lead in found]

    async def _prepare(self, db: Connection, work: Sequence[_Work], active: _Active) -> None:
        """Write the questions, and find the answers and interrupted calls that are there."""
        if self._calls is None:
            for item in work:
                item.absent = NO_MODEL
            return
        model, orders = self._calls.model, rubric.instructions(active.industry)
        for item in work:
            document = rubric.lead_document(item.features.values, personal=_secrets(item.lead))
            hashed = rubric.content_hash(f"{orders}\0{document}", model=model)
            item.question = Question(item.lead.id, hashed, document, orders)
        hashes = [bytes.fromhex(item.question.hash) for item in work if item.question]
        remembered = await scoring.judgements(db, hashes)
        pending = by_lead(await ledger.open_entries(db, [item.lead.id for item in work]))
        for item in work:
            hashed = bytes.fromhex(item.question.hash) if item.question else b""
            kept = remembered.get(hashed)
            item.answer = RubricAnswer.model_validate(kept.answer) if kept else None
            item.interrupted = pending.get(item.lead.id, [])

    async def _recall(self, work: Sequence[_Work], answers: Answers) -> None:
        """Settle what an earlier turn asked, and use its answer if the lead is still the same."""
        entries = [entry for item in work for entry in item.interrupted]
        if not entries or self._calls is None:
            return
        try:
            recalled = await self._calls.recall(entries, answers)
        except VendorError:
            answers.in_doubt = True
            return
        for item in work:
            answer = recalled.get(item.lead.id)
            asked_at = max((entry.created_at for entry in item.interrupted), default=None)
            if answer and item.question and asked_at and asked_at >= item.lead.updated_at:
                item.answer = answer
                answers.given[item.question.hash] = answer

    async def _ask(self, work: Sequence[_Work], answers: Answers, turn: Turn) -> None:
        open_questions = {
            item.question.hash: item.question
            for item in work
            if item.question is not None and item.answer is None
        }
        if not open_questions or self._calls is None:
            return
        await self._calls.ask(list(open_questions.values()), turn, answers)
        for item in work:
            if item.question is not None and item.answer is None:
                item.answer = answers.given.get(item.question.hash)
                item.absent = answers.absent.get(item.question.hash, "it gave no usable answer")

    def _verdicts(self, work: Sequence[_Work], active: _Active) -> list[Verdict]:
        features = [item.features for item in work]
        evidence = [item.evidence() for item in work]
        base: Floats | None = active.trees.logits(features) if active.trees else None
        scores = active.algorithm.score(features, evidence, base_logits=base)
        return [
            Verdict(item.lead.id, score, found, active.id, active.policy)
            for item, score, found in zip(work, scores, evidence, strict=True)
        ]

    async def _commit(self, verdicts: Sequence[Verdict], answers: Answers, turn: Turn) -> None:
        now = self._clock()
        async with turn.commit() as db:
            await records.keep(db, verdicts, now=now)
            if self._calls is not None:
                await self._remember(db, answers, self._calls, turn)
            await records.explain(db, verdicts, turn, now=now)

    async def _remember(
        self, db: Connection, answers: Answers, calls: RubricCalls, turn: Turn
    ) -> None:
        """Keep the answers, book what they cost, and look up later what is in doubt."""
        now = self._clock()
        new = {
            bytes.fromhex(hashed): CachedJudgement(calls.model, answer.model_dump())
            for hashed, answer in answers.given.items()
        }
        if new:
            await scoring.keep_judgements(db, new, now=now)
        await answers.settle(db, now)
        if answers.in_doubt:
            self._look_up_later(turn, now + calls.deadline)

    def _look_up_later(self, turn: Turn, due_at: datetime) -> None:
        key = f"settle:openai:{due_at:%Y-%m-%dT%H:%M}"
        turn.post(self.role, SettleCalls("openai"), key=key, due_at=due_at + timedelta(minutes=1))

    async def _settle(self, turn: Turn) -> Outcome:
        """Ask the vendor what became of calls that nobody waits for any more."""
        if self._calls is None:
            return Done()
        async with turn.database.transaction() as db:
            await ledger.expire(db, now=self._clock())
            entries = await ledger.unknown_entries(db, "openai", limit=LOOKED_UP_AT_ONCE)
        answers = Answers()
        try:
            await self._calls.recall(entries, answers)
        except StillUnderWay as pending:
            return Snooze(pending.until, str(pending))
        async with turn.commit() as db:
            await answers.settle(db, self._clock())
        return Done()


def _ready(kept: StoredAlgorithm) -> _Active:
    definition = parse_definition(kept.definition)
    trees = definition.model if isinstance(definition, Trees) else None
    return _Active(
        kept.id,
        f"scoring/{kept.name}@{kept.version}",
        _industry(definition),
        Algorithm(definition),
        None if trees is None else TreeScorer(trees),
    )


def _industry(definition: object) -> str:
    """The seller's industry, as the algorithm tells it."""
    base = definition.base if isinstance(definition, Ensemble) else definition
    if isinstance(base, Template):
        return base.industry.words
    settings = getattr(base, "settings", None)
    return settings.industry.words if isinstance(settings, Settings) else ""


def _secrets(lead: Lead) -> list[str]:
    person = lead.person
    known = (person.first_name, person.last_name, person.email, person.phone)
    return [text for text in (*known, *person.notes.values()) if text]
