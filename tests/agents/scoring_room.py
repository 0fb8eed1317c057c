"""Leads to score, an algorithm to score them with, and a look at what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from agents.agent import Agent
from agents.failpoints import Failpoints
from agents.governor import Governor
from agents.messages import LeadEnriched, Message, encode
from agents.scorer import Scorer
from agents.scorer.calls import RubricCalls
from agents.scorer.questions import Caps
from policies.algorithm import Definition, Ensemble, Template, dump_definition
from policies.lead import LeadDraft, LeadId, Person
from storage import leads, mailbox, scoring
from storage.database import Database
from storage.mailbox import Letter
from storage.sealing import Sealer
from tests.flows.harness import Fleet
from tests.scripted import START, Clock, ScriptedJudge

RICH = Caps(usd_micro=50_000_000, tokens=10_000_000)
DEADLINE = timedelta(seconds=20)


@dataclass(slots=True)
class Room:
    """A scorer with a scripted model.

    Attributes:
        judge: None stands for no key.
    """

    database: Database
    sealer: Sealer
    judge: ScriptedJudge | None = field(default_factory=ScriptedJudge)
    caps: Caps = RICH
    clock: Clock = field(default_factory=Clock)

    async def open(self, definition: Definition | None = None) -> None:
        """Activate an algorithm: by default the general template with GPT-4 beside it."""
        chosen = dump_definition(definition or Ensemble(base=Template()))
        async with self.database.transaction() as db:
            await scoring.ensure_default(db, name="default", definition=chosen, now=START)

    async def enriched(self, count: int, *, title: str = "CEO") -> list[LeadId]:
        """Keep ``count`` people and tell the scorer of them."""
        drafts = [
            LeadDraft(
                source="test",
                person=Person(first_name="Ada", last_name=f"Byron{n}", email=f"ada{n}@acme{n}.com"),
                company=f"Acme {n}",
                title=f"{title} {n}",
            )
            for n in range(count)
        ]
        async with self.database.transaction() as db:
            kept = await leads.keep(db, self.sealer, drafts, now=START)
        ids = [one.id for one in kept]
        await self.tell([LeadEnriched(lead_id) for lead_id in ids])
        return ids

    async def tell(self, messages: Sequence[Message]) -> None:
        """Post to the scorer."""
        letters = [Letter("scorer", m.kind, encode(m)) for m in messages]
        async with self.database.transaction() as db:
            await mailbox.post(db, letters, now=self.clock())

    def scorer(self) -> Agent:
        """A fresh scorer, as a new process has."""
        return Scorer(self.sealer, self._calls(), self.clock)

    async def work(self, **options: Any) -> Fleet:
        """Score everything there is."""
        fleet = Fleet(self.database, lambda: [self.scorer()], self.clock, **options)
        await fleet.finish()
        return fleet

    async def rows(self, query: str, **values: object) -> list[dict[str, Any]]:
        """Ask the database."""
        async with self.database.transaction() as db:
            return [dict(row) for row in (await db.execute(text(query), values)).mappings()]

    async def rows_done(self, statement: str) -> None:
        """Change the database."""
        async with self.database.transaction() as db:
            await db.execute(text(statement))

    async def crashed(self, place: str) -> Fleet:
        """Work, ending once at ``place``, and go on after it."""
        return await self.work(failpoints=Failpoints.parse(f"{place}:crash"))

    async def spent(self) -> dict[str, tuple[int, int]]:
        """Held and spent of every account, by unit."""
        found = await self.rows("SELECT unit, held, spent FROM ledger_accounts")
        return {row["unit"]: (row["held"], row["spent"]) for row in found}

    async def results(self) -> list[dict[str, Any]]:
        """All scoring results."""
        return await self.rows("SELECT * FROM scoring_results ORDER BY lead_id, scored_at")

    async def states(self) -> dict[str, int]:
        """Ledger entries by state."""
        found = await self.rows("SELECT state, count(*) n FROM ledger_entries GROUP BY 1")
        return {row["state"]: row["n"] for row in found}

    async def timeline(self, lead_id: UUID) -> list[str]:
        """Kinds of what happened to a lead."""
        found = await self.rows("SELECT kind FROM activities WHERE lead_id = :id", id=lead_id)
        return [row["kind"] for row in found]

    def _calls(self) -> RubricCalls | None:
        if self.judge is None:
            return None
        governor = Governor(
            self.database, "openai", requests_per_minute=60_000, tokens_per_minute=10**9
        )
        return RubricCalls(self.judge, governor, self.caps, clock=self.clock, deadline=DEADLINE)
