"""What the agents expect of a lead source; each vendor's adapter is one (`agents.vendors`)."""

from collections.abc import Sequence
from typing import Protocol

from policies.profiles import Profile
from policies.prospect import Criteria, Matches, PersonQuery, SearchPage, UsageStats


class LeadSource(Protocol):
    """Where people are searched, and asked about; it neither retries nor waits by itself.

    Attributes:
        name: the vendor's short name, such as ``"uplead"``.
        reveals: whether a search shows addresses (and bills for them); else they are bought by
            `enrich_leads`, and the search is free.
        page_size: people on one page of a search, at most.
        most_at_once: people that `enrich_leads` takes in one call.
    """

    name: str
    reveals: bool
    page_size: int
    most_at_once: int

    def criteria(self, profile: Profile) -> Criteria:
        """Say the profile in the source's own words."""
        ...

    async def count(self, criteria: Criteria) -> int | None:
        """How many people match; free of charge, None where the source does not tell."""
        ...

    async def search_contacts(
        self, criteria: Criteria, cursor: str | None, *, most: int | None = None
    ) -> SearchPage:
        """Return one page; ``cursor`` is `SearchPage.next` of the page before.

        Args:
            most: people on it, at most, so that a source that `reveals` bills no more than are
                wanted; fewer may come (where pages are numbered: a divisor of the place reached),
                but the same question always brings the same page. None is `page_size`.
        """
        ...

    async def enrich_leads(self, queries: Sequence[PersonQuery]) -> Matches:
        """Ask about people, `most_at_once` at most; every query gets a match."""
        ...

    async def get_usage_stats(self) -> UsageStats:
        """What is left of the account."""
        ...
