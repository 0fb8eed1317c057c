"""Conditions on leads, their values bound."""

from typing import Self


class Conditions:
    """What a query asks of leads that are not deleted.

    Attributes:
        values: bound to ``$1``, ``$2`` and so on.
        words: two tokens a word that is searched, as `Sealer.search_query` gives them.
    """

    def __init__(self) -> None:
        self.values: list[object] = []
        self.words: list[tuple[int, int]] = []
        self._conditions = ["deleted_at IS NULL"]

    @property
    def text(self) -> str:
        """The conditions as SQL."""
        return " AND ".join(self._conditions)

    def copy(self) -> "Conditions":
        """Return conditions that can be added to apart from these."""
        other = Conditions()
        other.values, other.words = [*self.values], self.words
        other._conditions = [*self._conditions]
        return other

    def add(self, condition: str, *values: object) -> None:
        """Add a condition, each ``$`` in it standing for the next value."""
        pieces = condition.split("$")
        numbered = pieces[0]
        for value, piece in zip(values, pieces[1:], strict=True):
            self.values.append(value)
            numbered += f"${len(self.values)}{piece}"
        self._conditions.append(numbered)

    def equal(self, name: str, value: object) -> None:
        """Ask that a column has a value; None asks nothing."""
        if value is not None:
            self.add(f"{name} = $", value)

    def search(self, *, by_index: bool) -> Self:
        """Ask for the words.

        Args:
            by_index: in the form that the index answers; else in the one that is quickest to check
                lead by lead.
        """
        for name, clear in self.words:
            if by_index:
                self.add("search_tokens && $::bigint[]", [name, clear])
            else:
                self.add("($ = ANY(search_tokens) OR $ = ANY(search_tokens))", name, clear)
        return self
