"""The shapes that ZoomInfo's GTM API sends, as far as we read them.

Sources: reference/zoominfo.md (2026-11-22). The accuracy of a contact is a number in a search and
a text in an enrichment; flags come as truth or as ``Yes`` and ``No``.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from agents.vendors.fields import Flag, Id, Part, Text, Texts, Whole

MOST_ROWS = 1000


class Company(Part):
    """A company within a contact."""

    id: Text = ""
    name: Text = ""
    website: Text = ""
    employeeCount: Whole = None
    primaryIndustry: Texts = ()
    industries: Texts = ()
    country: Text = ""


class Url(Part):
    """An address of a profile."""

    url: Text = ""


class Contact(Part):
    """What is told of a contact; a search tells less than an enrichment."""

    firstName: Text = ""
    lastName: Text = ""
    jobTitle: Text = ""
    managementLevel: Texts = ()
    department: Texts = ()
    email: Text = ""
    phone: Text = ""
    mobilePhone: Text = ""
    directPhoneDoNotCall: Flag = None
    mobilePhoneDoNotCall: Flag = None
    hasEmail: Flag = None
    hasDirectPhone: Flag = None
    hasMobilePhone: Flag = None
    contactAccuracyScore: Whole = None
    personHasMoved: Flag = None
    lastUpdatedDate: Text = ""
    country: Text = ""
    externalUrls: tuple[Url, ...] = ()
    company: Company = Company()

    @model_validator(mode="before")
    @classmethod
    def _parts_are_parts(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        if not isinstance(value, dict):
            return value
        kept = dict(value)
        if not isinstance(kept.get("company"), dict):
            kept.pop("company", None)
        urls = kept.get("externalUrls")
        known = [url for url in urls if isinstance(url, dict)] if isinstance(urls, list) else []
        return {**kept, "externalUrls": known[:20]}


class Hit(Part):
    """A row of a search."""

    id: Id
    attributes: Contact


class Pages(Part):
    """Which of how many pages it is."""

    number: Whole = None
    total: Whole = None


class SearchMeta(Part):
    """How much there is."""

    totalResults: Whole = None
    page: Pages = Pages()

    @field_validator("page", mode="before")
    @classmethod
    def _page_is_told(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        return value if isinstance(value, dict) else {}


class Hits(Part):
    """A page of a search."""

    data: list[Hit] = Field(max_length=MOST_ROWS)
    meta: SearchMeta = SearchMeta()

    @field_validator("meta", mode="before")
    @classmethod
    def _meta_is_told(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        return value if isinstance(value, dict) else {}


class RowMeta(Part):
    """What came of one input.

    Attributes:
        input: as it was sent; rows are joined by it.
    """

    matchStatus: Text = ""
    input: Mapping[str, Any] = Field(default_factory=dict[str, Any])


class Row(Part):
    """A row of an enrichment; without attributes if there is no match (``id`` is ``"0"`` then)."""

    id: Text = ""
    type: Text = ""
    attributes: Contact | None = None
    meta: RowMeta

    @field_validator("attributes", mode="before")
    @classmethod
    def _attributes_are_told(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        return value if isinstance(value, dict) else None


class Rows(Part):
    """An enrichment."""

    data: list[Row] = Field(max_length=MOST_ROWS)


class Limit(Part):
    """One limit of the account."""

    limitType: Text = ""
    currentUsage: Whole = None
    usageRemaining: Whole = None


class _UsageAttributes(Part):
    usage: list[Limit] = Field(max_length=100)


class _Usage(Part):
    attributes: _UsageAttributes


class Usages(Part):
    """What is left of the account."""

    data: list[_Usage] = Field(max_length=100)

    @property
    def limits(self) -> list[Limit]:
        """Every limit that is told."""
        return [limit for usage in self.data for limit in usage.attributes.usage]


class _Named(Part):
    name: Text = ""


class _Code(Part):
    id: Id
    attributes: _Named = _Named()


class Codes(Part):
    """A list of values that a filter takes."""

    data: list[_Code] = Field(max_length=10_000)
