"""The prospector brings leads in: it reads uploaded files."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from agents.agent import Outcome, Refuse, Turn
from agents.messages import ImportLeads, Message
from agents.prospector.files import ROLE, ROWS_A_TURN, FileReader
from storage.sealing import Sealer


class Prospector:
    """Brings leads in.

    Args:
        sealer: opens uploaded files, seals people.
        rows: of a file read in one turn, at most.
    """

    role: ClassVar[str] = ROLE
    batches: ClassVar[Mapping[str, int]] = {}

    def __init__(self, sealer: Sealer, *, rows: int = ROWS_A_TURN) -> None:
        self._files = FileReader(sealer, rows=rows)

    async def handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        """Go on with a file."""
        match messages[0]:
            case ImportLeads(import_id=import_id):
                return await self._files.read_on(import_id, turn)
            case _:
                return Refuse(f"the prospector does not read {messages[0].kind}")
