"""The prospector brings leads in: from files, from lead sources, from forms at LinkedIn."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from agents.agent import Outcome, Refuse, Turn
from agents.messages import (
    FindLeads,
    ImportLeads,
    Message,
    PreviewSearch,
    Tick,
    WebhookReceived,
)
from agents.prospector.files import ROLE, ROWS_A_TURN, FileReader
from agents.prospector.forms import POLL, FormReader, Forms, FormSource
from agents.prospector.inquiring import Inquiring
from agents.prospector.searching import Searching
from agents.prospector.sources import Source
from storage.sealing import Sealer

USAGE = "sources.usage"
"""The schedule by which every source is asked what is left of our account."""

__all__ = ["FormSource", "Forms", "Prospector", "Source"]


class Prospector:
    """Brings leads in.

    Args:
        sealer: opens uploaded files, seals people.
        sources: that are connected; without any, files are read all the same.
        forms: LinkedIn's forms, if they are connected.
        rows: of a file read in one turn, at most.
        clock: the time (aware UTC); None takes the beginning of each turn.
        chance: gives uniform draws from 0 to 1.
    """

    role: ClassVar[str] = ROLE
    batches: ClassVar[Mapping[str, int]] = {}

    def __init__(
        self,
        sealer: Sealer,
        sources: Sequence[Source] = (),
        *,
        forms: Forms | None = None,
        rows: int = ROWS_A_TURN,
        clock: Callable[[], datetime] | None = None,
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        by_name = {source.name: source for source in sources}
        self._files = FileReader(sealer, rows=rows)
        self._searching = Searching(sealer, by_name, clock=clock, chance=chance)
        self._forms = FormReader(sealer, forms, clock=clock)
        self._inquiring = Inquiring(by_name, clock=clock)

    async def handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        """Go on with a file, a search or a form, or ask what is free of charge."""
        match messages[0]:
            case ImportLeads(import_id=import_id):
                return await self._files.read_on(import_id, turn)
            case FindLeads(search_id=search_id):
                return await self._searching.find(search_id, turn)
            case PreviewSearch(preview_id=preview_id):
                return await self._inquiring.preview(preview_id, turn)
            case Tick(schedule=schedule) if schedule == USAGE:
                return await self._inquiring.look_at_accounts(turn)
            case Tick(schedule=schedule) as tick if schedule == POLL:
                return await self._forms.poll(tick, turn)
            case WebhookReceived(source="linkedin", event_id=event_id):
                return await self._forms.told(event_id, turn)
            case _:
                return Refuse(f"the prospector does not read {messages[0].kind}")
