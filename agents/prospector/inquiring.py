"""What costs nothing: previews of a search, and what is left of our account at each source."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from agents.agent import Done, Outcome, Refuse, Turn
from agents.errors import VendorError
from agents.governor import Closed
from agents.prospector.sources import Source, Sources
from policies.profiles import Profile
from policies.sourcing import Evidence, Standing, expected_share
from storage import searches, source_accounts, source_previews
from storage.source_previews import PreviewNotFound, SourcePreview

A = TypeVar("A")
AWAY = "it is away; ask again in a while"


class _Away(Exception):
    """The source's breaker is open."""


class Inquiring:
    """Asks sources what is free of charge.

    Args:
        clock: the time (aware UTC); None takes the beginning of each turn.
    """

    def __init__(self, sources: Sources, *, clock: Callable[[], datetime] | None) -> None:
        self._sources = sources
        self._clock = clock

    async def preview(self, preview_id: UUID, turn: Turn) -> Outcome:
        """Say what each source makes of a profile, and about what a lead would cost."""
        try:
            async with turn.database.transaction() as db:
                asked = await source_previews.get(db, preview_id)
                history = await searches.history(db, asked.profile, but=preview_id)
        except PreviewNotFound:
            return Refuse("there is no such preview any more")
        if asked.answers is not None:
            return Done()
        answers = [
            await self._previewed(source, asked.definition, history, turn)
            for source in self._sources.values()
        ]
        async with turn.commit() as db:
            await source_previews.answer(db, preview_id, answers, now=self._now(turn))
        return Done()

    async def look_at_accounts(self, turn: Turn) -> Outcome:
        """Keep what each source says of our account."""
        now = self._now(turn)
        async with turn.database.transaction() as db:
            await source_accounts.seen(db, accounts(self._sources), now=now)
        for source in self._sources.values():
            with suppress(_Away):
                try:
                    usage = await self._asked(source, source.adapter.get_usage_stats, turn, "usage")
                except VendorError as error:
                    async with turn.database.transaction() as db:
                        await source_accounts.failed(db, source.name, str(error), now=now)
                else:
                    async with turn.database.transaction() as db:
                        await source_accounts.told(db, source.name, usage, now=now)
        return Done()

    async def _previewed(
        self,
        source: Source,
        profile: Profile,
        history: Mapping[str, tuple[int, int]],
        turn: Turn,
    ) -> SourcePreview:
        criteria = source.adapter.criteria(profile)
        count, problem = None, None
        if criteria.impossible is None:
            try:
                count = await self._asked(
                    source, lambda: source.adapter.count(criteria), turn, "count"
                )
            except VendorError as error:
                problem = str(error)
            except _Away:
                problem = AWAY
        billed, usable = history.get(source.name, (0, 0))
        before = Evidence(billed, usable)
        share = expected_share(
            Standing(source.name, source.price, source.adapter.reveals, 1, 1, before=before)
        )
        return SourcePreview(
            source.name,
            criteria.values,
            criteria.unexpressed,
            criteria.impossible,
            count,
            source.price,
            round(source.price / share),
            problem,
        )

    async def _asked(
        self, source: Source, ask: Callable[[], Awaitable[A]], turn: Turn, operation: str
    ) -> A:
        """Ask what is free.

        Raises:
            VendorError: as the source does.
            _Away: if its breaker is open.
        """
        if isinstance(await source.governor.enter(self._now(turn)), Closed):
            raise _Away
        async with source.purchases.calling(operation):
            return await ask()

    def _now(self, turn: Turn) -> datetime:
        return self._clock() if self._clock is not None else turn.now


def accounts(sources: Sources) -> list[source_accounts.Seen]:
    """Return the sources that are connected, as they are kept."""
    return [
        source_accounts.Seen(source.name, source.price, source.adapter.reveals)
        for source in sources.values()
    ]
