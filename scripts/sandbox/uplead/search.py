"""UpLead's filters: what a caller may ask for, and whom it takes."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from scripts.sandbox.market.catalogue import Record
from scripts.sandbox.server import Call
from scripts.sandbox.uplead import words

Values = Mapping[str, tuple[str, ...]]
USUAL_PAGE, LARGEST_PAGE = 25, 100
PERSON = frozenset({"email", "id", "first_name", "last_name", "domain"})
COMPANY = frozenset({"domain", "company", "id"})
PROSPECTOR = frozenset(
    {"domain", "job_functions", "job_sub_functions", "management_levels", "titles"}
    | {"title_search_mode", "cities", "states", "countries", "regions", "name"}
    | {"exclusion_list_names", "email_status", "count_only", "page", "per_page"}
)
PRO = PROSPECTOR | {
    *("domains", "industries", "industries_ids", "sic_codes", "naics_codes"),
    *("employees", "revenues", "business_types", "location_target", "exclude_eu"),
}
_PLURALS = {
    "job_function": "job_functions",
    "job_sub_function": "job_sub_functions",
    "management_level": "management_levels",
    "title": "titles",
    "city": "cities",
    "state": "states",
    "country": "countries",
    "region": "regions",
    "industry": "industries",
    "sic_code": "sic_codes",
    "naics_code": "naics_codes",
    "revenue": "revenues",
    "business_type": "business_types",
    "email_statuses": "email_status",
}


class BadRequest(Exception):
    """The caller asks for what there is not; the text says what."""


def asked(call: Call, allowed: Collection[str]) -> dict[str, tuple[str, ...]]:
    """What a call asks for, by the plural names; GET with brackets and POST alike.

    An unknown name is refused, so that a misspelt filter is seen; the real UpLead may ignore it.

    Raises:
        BadRequest: if it cannot be read.
    """
    pairs = call.query if call.method == "GET" else [*call.query, *_of_body(call.body)]
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        bare = name.removesuffix("[]")
        plural = bare if bare in allowed else _PLURALS.get(bare, bare)
        if plural not in allowed:
            raise BadRequest(f"Unknown parameter: {bare}")
        if value:
            found.setdefault(plural, []).append(value)
    return {name: tuple(values) for name, values in found.items()}


def _of_body(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        said: Any = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadRequest("The body is not valid JSON.") from error
    if not isinstance(said, dict):
        raise BadRequest("The body must be a JSON object.")
    told: dict[str, Any] = said
    for name, value in told.items():
        values: list[Any] = value if isinstance(value, list) else [value]
        for one in values:
            if isinstance(one, dict | list):
                raise BadRequest(f"{name} must be a string or a list of strings.")
            if one is not None:
                yield name, ("true" if one else "false") if isinstance(one, bool) else str(one)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the answer is wanted; ``counting``: only how many there are."""

    number: int
    size: int
    counting: bool

    @classmethod
    def of(cls, values: Values) -> "Page":
        """Read it.

        Raises:
            BadRequest: if it is out of range.
        """
        number = _number(values, "page", 1)
        size = _number(values, "per_page", USUAL_PAGE)
        if number < 1:
            raise BadRequest("page must be at least 1.")
        if not 1 <= size <= LARGEST_PAGE:
            raise BadRequest(f"per_page must be between 1 and {LARGEST_PAGE}.")
        return cls(number, size, _truth(values, "count_only"))

    @property
    def start(self) -> int:
        """The place of its first record."""
        return (self.number - 1) * self.size

    def meta(self, total: int) -> dict[str, Any]:
        """``data.meta`` of this page, of ``total`` records in all."""
        last = max(1, -(-total // self.size))
        return {
            "total": total,
            "page": self.number,
            "next_page": self.number + 1 if self.number < last else None,
            "previous_page": self.number - 1 if self.number > 1 else None,
            "first_page": self.number == 1,
            "last_page": self.number >= last,
        }


@dataclass(frozen=True, slots=True)
class Filter:
    """Whom a prospector search takes.

    Attributes:
        values: what was asked.
        excluded: records of the lists that are left out.
    """

    values: Values
    excluded: frozenset[str] = field(default_factory=frozenset[str])

    def __post_init__(self) -> None:
        unknown = set(self._wanted("management_levels", str.upper)) - set(words.LEVEL_FILTERS)
        if unknown:
            known = ", ".join(words.LEVEL_FILTERS)
            raise BadRequest(f"management_levels must be of {known}.")

    def takes(self) -> Callable[[Record], bool]:
        """A test of one record."""
        tests = [test for test in self._tests() if test is not None]
        return lambda record: all(test(record) for test in tests)

    def _tests(self) -> Iterator[Callable[[Record], bool] | None]:
        levels = self._wanted("management_levels", str.upper)
        seniorities = frozenset[str]().union(*(words.LEVEL_FILTERS[level] for level in levels))
        yield (lambda r: r.role.seniority in seniorities) if levels else None
        domains = self._wanted("domains") | self._wanted("domain")
        yield (lambda r: r.job.company.domain in domains) if domains else None
        yield self._one_of("job_functions", lambda r: words.function_of(r.role.function))
        yield self._one_of("job_sub_functions", lambda _: "")
        yield self._one_of("cities", lambda r: r.job.company.city)
        yield self._one_of("states", lambda r: r.job.company.state)
        yield self._one_of("countries", lambda r: r.job.company.country.name)
        yield self._one_of("regions", lambda r: words.REGIONS[r.job.company.country.region])
        yield self._one_of("industries", lambda r: r.job.company.niche)
        yield self._one_of("industries_ids", _industry_id)
        yield self._one_of("sic_codes", lambda r: r.job.company.trade.sic)
        yield self._one_of("naics_codes", lambda r: r.job.company.trade.naics)
        yield self._one_of("email_status", lambda r: r.status)
        bands = {band.replace(",", "") for band in self.values.get("employees", ())}
        yield (lambda r: _employees(r) in bands) if bands else None
        yield self._one_of("revenues", lambda r: words.revenue_of(r.job.company.revenue))
        yield self._titles()
        name = " ".join(self.values.get("name", ())).casefold()
        yield (lambda r: name in f"{r.first_name} {r.last_name}".casefold()) if name else None
        eu = _truth(self.values, "exclude_eu")
        yield (lambda r: not r.job.company.country.eu) if eu else None
        yield (lambda r: r.id not in self.excluded) if self.excluded else None

    def _wanted(self, name: str, fold: Callable[[str], str] = str.casefold) -> set[str]:
        return {fold(value) for value in self.values.get(name, ())}

    def _one_of(self, name: str, told: Callable[[Record], str]) -> Callable[[Record], bool] | None:
        wanted = self._wanted(name)
        return (lambda record: told(record).casefold() in wanted) if wanted else None

    def _titles(self) -> Callable[[Record], bool] | None:
        wanted = self._wanted("titles")
        if not wanted:
            return None
        if self.values.get("title_search_mode", ("include",))[0] == "exact":
            return lambda record: record.title.casefold() in wanted
        return lambda record: any(words in record.title.casefold() for words in wanted)


def _industry_id(record: Record) -> str:
    return str(words.INDUSTRIES.index(record.job.company.niche) + 1)


def _employees(record: Record) -> str:
    return words.employees_of(record.employer.employees).replace(",", "")


def _number(values: Values, name: str, usual: int) -> int:
    text = values.get(name, (str(usual),))[0]
    if not text.isdecimal():
        raise BadRequest(f"{name} must be a number.")
    return int(text)


def _truth(values: Values, name: str) -> bool:
    return values.get(name, ("false",))[0].lower() in {"true", "1"}
