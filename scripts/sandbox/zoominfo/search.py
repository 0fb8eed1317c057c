"""ZoomInfo's filters: what a caller may ask for, and whom it takes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5, sha1, sha256
from math import ceil
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import orjson

from scripts.sandbox.market import names
from scripts.sandbox.market.catalogue import CompanyRecord, Record
from scripts.sandbox.server import Call
from scripts.sandbox.zoominfo import records, words
from scripts.sandbox.zoominfo.errors import Refused

USUAL_PAGE, LARGEST_PAGE, MOST_PAGES = 25, 100, 100
Attributes = Mapping[str, Any]
Test = Callable[[Record], bool]
_NUMBERS = frozenset({"revenueMin", "revenueMax", "lastUpdatedInMonths"})
_ABOUT = "/data/attributes"
_DAYS_A_MONTH = 30.4
_Row = TypeVar("_Row")


def asked(call: Call, kind: str) -> Attributes:
    """The attributes of a JSON:API document of type ``kind``.

    Raises:
        Refused: if it is none.
    """
    try:
        said: Any = orjson.loads(call.body)
    except orjson.JSONDecodeError as error:
        raise Refused("PFAPI0001", "The body is not valid JSON.", "/") from error
    data: Any = said.get("data") if isinstance(said, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(data, dict) or data.get("type") != kind:  # pyright: ignore[reportUnknownMemberType]
        raise Refused("PFAPI0001", f"data.type must be {kind}.", "/data/type")
    attributes: Any = data.get("attributes")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(attributes, dict):
        raise Refused("PFAPI0001", "data.attributes must be an object.", _ABOUT)
    return attributes  # pyright: ignore[reportUnknownVariableType]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the answer is wanted."""

    number: int
    size: int

    @classmethod
    def of(cls, call: Call) -> "Page":
        """Read it.

        Raises:
            Refused: if it is out of range.
        """
        query = dict(call.query)
        number = _whole(query, "page[number]", 1)
        size = _whole(query, "page[size]", USUAL_PAGE)
        if not 1 <= size <= LARGEST_PAGE:
            raise Refused(
                "PFAPI0003", f"Page size must be between 1 and {LARGEST_PAGE}.", "page[size]"
            )
        if not 1 <= number <= MOST_PAGES:
            raise Refused(
                "PFAPI0004", f"Page number must be between 1 and {MOST_PAGES}.", "page[number]"
            )
        return cls(number, size)


@dataclass(frozen=True, slots=True)
class Found(Generic[_Row]):
    """All who match, of which a page is told."""

    rows: Sequence[_Row]

    def document(self, page: Page, path: str, told: Callable[[_Row], Any]) -> dict[str, Any]:
        """One page as a JSON:API document.

        Raises:
            Refused: if there is no such page.
        """
        pages = min(MOST_PAGES, max(1, ceil(len(self.rows) / page.size)))
        if page.number > pages:
            raise Refused(
                "PFAPI0004",
                "Page number (page) requested is greater than the available results.",
                "page[number]",
            )

        def link(number: int) -> str | None:
            if not 1 <= number <= pages:
                return None
            return f"uri={path}?page[number]={number}&page[size]={page.size}"

        start = (page.number - 1) * page.size
        return {
            "data": [told(row) for row in self.rows[start : start + page.size]],
            "meta": {
                "totalResults": len(self.rows),
                "page": {"number": page.number, "total": pages},
            },
            "links": {
                "first": link(1),
                "last": link(pages),
                "prev": link(page.number - 1),
                "next": link(page.number + 1),
            },
        }


class Filter:
    """Whom a search takes.

    Args:
        attributes: what was asked.

    Raises:
        Refused: if there is no such filter, or not with such a value.
    """

    def __init__(self, attributes: Attributes) -> None:
        self._asked = attributes
        if not attributes:
            raise Refused("PFAPI0002", "At least one search criterion is required.", _ABOUT)
        for name, value in attributes.items():
            _check(name, value)
        levels = [level for names_ in words.LEVELS.values() for level in names_]
        self._known("managementLevel", {*levels, *words.NON_MANAGER})
        self._known("department", set(words.DEPARTMENTS.values()))
        self._known("industryCodes", set(words.NAMES))
        self._known("requiredFields", records.CONTACT_FIELDS)

    def takes(self) -> Test:
        """A test of one contact."""
        tests = [test for test in (*self._of_contact(), *self._of_company()) if test is not None]
        return lambda record: _listed(record) and all(test(record) for test in tests)

    def takes_company(self) -> Callable[[CompanyRecord], bool]:
        """A test of one company."""
        tests = [test for test in self._about_company() if test is not None]
        return lambda record: all(test(record) for test in tests)

    def _of_contact(self) -> Iterator[Test | None]:
        levels = self._some("managementLevel")
        yield (lambda r: _fold(words.levels_of(r.role.seniority)) & levels) if levels else None  # pyright: ignore[reportReturnType]
        without = self._some("excludeManagementLevel")
        yield (
            (lambda r: not _fold(words.levels_of(r.role.seniority)) & without) if without else None
        )
        yield self._one_of("department", lambda r: words.DEPARTMENTS[r.role.function])
        yield self._one_of("jobFunction", lambda r: r.role.function.replace("_", " "))
        titles = self._some("jobTitle")
        yield (lambda r: any(t in r.title.casefold() for t in titles)) if titles else None
        yield self._one_of("exactJobTitle", lambda r: r.title)
        others = self._some("excludeJobTitle")
        yield (lambda r: not any(t in r.title.casefold() for t in others)) if others else None
        yield self._one_of("personId", lambda r: r.id)
        yield self._one_of("emailAddress", lambda r: records.address(r) or "")
        hashes = self._some("hashedEmail")
        yield (lambda r: bool(hashed(records.address(r)) & hashes)) if hashes else None
        yield self._named("firstName", lambda r: r.first_name)
        yield self._named("lastName", lambda r: r.last_name)
        yield self._named("fullName", lambda r: f"{r.first_name} {r.last_name}")
        least = self._number("contactAccuracyScoreMin")
        yield (lambda r: r.score >= least) if least is not None else None
        most = self._number("contactAccuracyScoreMax")
        yield (lambda r: r.score <= most) if most is not None else None
        months = self._number("lastUpdatedInMonths")
        yield (lambda r: r.age <= months * _DAYS_A_MONTH) if months is not None else None
        required = [name for name in self._list("requiredFields") if name in _HAS]
        yield (lambda r: all(_HAS[name](r) for name in required)) if required else None

    def _of_company(self) -> Iterator[Test | None]:
        for test in self._about_company():
            yield None if test is None else (lambda r, test=test: test(r.employer))

    def _about_company(self) -> Iterator[Callable[[CompanyRecord], bool] | None]:
        ids = self._some("companyId")
        yield (lambda c: c.id in ids) if ids else None
        called = [names.key(name) for name in self._list("companyName")]
        yield (lambda c: any(k in names.key(c.name) for k in called)) if called else None
        sites = {site_domain(site) for site in self._list("companyWebsite")}
        yield (lambda c: c.company.domain in sites) if sites else None
        countries = self._some("country")
        yield (lambda c: c.company.country.name.casefold() in countries) if countries else None
        states = self._some("state")
        yield (lambda c: c.company.state.casefold() in states) if states else None
        codes = self._some("industryCodes")
        yield (lambda c: bool(_codes(c) & codes)) if codes else None
        sics, naics = self._some("sicCodes"), self._some("naicsCodes")
        yield (lambda c: c.company.trade.sic in sics) if sics else None
        yield (lambda c: c.company.trade.naics in naics) if naics else None
        for name, told in (("employeeRange", _employees), ("revenue", _revenue)):
            least, most = self._number(f"{name}Min"), self._number(f"{name}Max")
            yield (lambda c, t=told, n=least: t(c) >= n) if least is not None else None
            yield (lambda c, t=told, n=most: t(c) <= n) if most is not None else None

    def _list(self, name: str) -> list[str]:
        parts = str(self._asked.get(name, "")).split(",")
        return [part.strip() for part in parts if part.strip()]

    def _some(self, name: str) -> set[str]:
        return _fold(self._list(name))

    def _one_of(self, name: str, told: Callable[[Record], str]) -> Test | None:
        wanted = self._some(name)
        return (lambda record: told(record).casefold() in wanted) if wanted else None

    def _named(self, name: str, told: Callable[[Record], str]) -> Test | None:
        wanted = {names.key(one) for one in self._list(name)}
        return (lambda record: names.key(told(record)) in wanted) if wanted else None

    def _number(self, name: str) -> float | None:
        value = self._asked.get(name)
        try:
            return None if value is None else float(value)
        except ValueError as error:
            raise Refused("PFAPI0003", f"{name} must be a number.", f"{_ABOUT}/{name}") from error

    def _known(self, name: str, known: set[str] | frozenset[str]) -> None:
        folded = {one.casefold() for one in known}
        if unknown := [one for one in self._list(name) if one.casefold() not in folded]:
            listed = ", ".join(sorted(known))
            problem = f"Invalid value for {name}: {unknown[0]}. Valid values are: {listed}"
            raise Refused("PFAPI0005", problem, f"{_ABOUT}/{name}")


def site_domain(site: str) -> str:
    """The domain in a web address."""
    bare = site.casefold().removeprefix("https://").removeprefix("http://").removeprefix("www.")
    return bare.partition("/")[0]


def hashed(email: str | None) -> set[str]:
    """The hashes by which an address is asked for."""
    if email is None:
        return set()
    raw = email.lower().encode()
    return {md5(raw).hexdigest(), sha1(raw).hexdigest(), sha256(raw).hexdigest()}  # noqa: S324  (theirs)


def path_of(call: Call) -> str:
    """The path as ZoomInfo's links have it, without the prefix."""
    return quote(call.path[call.path.index("/data/v1/") :])


def _check(name: str, value: object) -> None:
    where = f"{_ABOUT}/{name}"
    if name not in words.SEARCH_FIELDS:
        raise Refused("PFAPI0002", f"Unknown search field: {name}", where)
    if name in _NUMBERS:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Refused("PFAPI0003", f"{name} must be a whole number.", where)
    elif not isinstance(value, str):
        raise Refused("PFAPI0003", f"{name} must be a string.", where)


def _listed(record: Record) -> bool:
    """Whether a search tells of them: of those who objected, half are still listed."""
    return not record.person.opted_out or record.person.id % 2 == 1


def _fold(values: Sequence[str]) -> set[str]:
    return {value.casefold() for value in values}


def _codes(record: CompanyRecord) -> set[str]:
    """The code of its industry and of what that belongs to."""
    code = words.INDUSTRIES[record.company.niche][0]
    return {code, code.partition(".")[0]}


def _employees(record: CompanyRecord) -> float:
    return record.employees


def _revenue(record: CompanyRecord) -> float:
    return record.company.revenue / 1000


_HAS: Mapping[str, Test] = {
    "email": lambda r: records.address(r) is not None,
    "phone": lambda r: r.phone is not None,
    "mobilePhone": lambda r: r.mobile is not None,
}


def _whole(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name, str(usual))
    if not text.isdecimal():
        raise Refused("PFAPI0003", f"{name} must be a whole number.", name)
    return int(text)
