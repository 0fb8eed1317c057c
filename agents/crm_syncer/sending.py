"""Records go out together; those for which a whole call is refused are found by halving it."""

from collections.abc import Sequence
from datetime import timedelta

from agents.crm_syncer.line import Later, Line
from agents.crm_syncer.records import Row
from agents.errors import AnswerError, VendorError
from policies.crm_records import RowError, RowResult
from policies.lead import LeadId
from storage.database import Database

MOST_PARTS = 40
"""Calls that one batch may cost; what is not sent by then comes again."""


class Sender:
    """Upserts records.

    Args:
        line: to the CRM.
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    async def upsert(
        self,
        sobject: str,
        external_field: str,
        rows: Sequence[Row],
        database: Database,
        *,
        save_duplicates: bool = False,
        wait: timedelta | None = None,
    ) -> list[RowResult]:
        """Create or change records; what became of each, in order.

        Args:
            wait: for the slot of the first call, if it was asked for already.

        Raises:
            Later, VendorError: if nothing was sent at all.
        """
        found: dict[LeadId, RowResult] = {}
        parts, calls = [list(rows)], 0
        while parts and calls < MOST_PARTS:
            part = parts.pop()
            records = [row.record for row in part]
            slot = wait if not calls else None
            calls += 1
            try:
                if slot is None:
                    async with database.transaction() as db:
                        slot = await self._line.admit(db)
                async with self._line.admitted("crm.upsert", slot) as to:
                    told = await to.upsert(
                        sobject, external_field, records, save_duplicates=save_duplicates
                    )
            except AnswerError as error:
                if error.retry_after is not None and not found:
                    raise
                parts += _halves(part, error, found)
            except (VendorError, Later) as error:
                if calls == 1:
                    raise
                found |= {row.id: _failed("SERVER_UNAVAILABLE", error) for row in part}
            else:
                found |= {row.id: result for row, result in zip(part, told, strict=True)}
        late = RowResult(errors=(RowError("REQUEST_REFUSED_TOO_OFTEN"),))
        return [found.get(row.id, late) for row in rows]


def _halves(part: list[Row], error: AnswerError, found: dict[LeadId, RowResult]) -> list[list[Row]]:
    if error.retry_after is not None:
        found |= {row.id: _failed("SERVER_UNAVAILABLE", error) for row in part}
        return []
    if len(part) == 1:
        found[part[0].id] = _failed("REQUEST_REFUSED", error)
        return []
    middle = len(part) // 2
    return [part[middle:], part[:middle]]


def _failed(code: str, error: Exception) -> RowResult:
    return RowResult(errors=(RowError(code, str(error)),))
