"""What storage refuses, and what the caller can do about it."""

from uuid import UUID

from policies.lead import LeadId


class NotFound(LookupError):
    """There is no such row, or it was deleted."""


class LeadNotFound(NotFound):
    """There is no such lead, or it was deleted."""

    def __init__(self, lead_id: UUID) -> None:
        super().__init__(f"there is no lead {lead_id}")


class VersionConflict(Exception):
    """The row was changed since it was read: read it again, then decide again.

    Attributes:
        current: the version it has now.
    """

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(f"expected version {expected}, but it is at version {current} by now")
        self.current = current


class DuplicateLead(Exception):
    """Another lead has this e-mail address or this name at its source.

    Attributes:
        existing: that lead.
    """

    def __init__(self, existing: LeadId, what: str) -> None:
        super().__init__(f"lead {existing} has the same {what}: merge the two or choose another")
        self.existing = existing


class UnstorableText(ValueError):
    """A text cannot be kept in a column that stays readable; the text says which and why.

    Attributes:
        row: place of the draft in the batch.
        field: such as ``"company"``.
    """

    def __init__(self, row: int, field: str, problem: str) -> None:
        super().__init__(f"{field} of row {row} cannot be stored: {problem}")
        self.row = row
        self.field = field
