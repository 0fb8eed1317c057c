"""The market as it really is: who works where, and which address reaches whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import accumulate
from math import exp, log
from random import Random
from typing import Generic, TypeVar

from scripts.sandbox.market import names, places
from scripts.sandbox.market.places import COUNTRIES, Country
from scripts.sandbox.market.rates import CATCH_ALL, MOVED, OPTED_OUT, Segment
from scripts.sandbox.market.titles import BY_SENIORITY, SENIORITY_WEIGHTS, Role
from scripts.sandbox.market.trades import SIZES, TRADES, Trade, company_name

PEOPLE = 20_000
"""How many there are unless another number is asked for."""


class Delivery(StrEnum):
    """What becomes of a letter to an address.

    ``SWALLOWED``: the server takes it, but there is no such mailbox.
    """

    DELIVERED = "delivered"
    SWALLOWED = "swallowed"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True)
class Company:
    """A company.

    Attributes:
        legal_name: with its form, such as ``Norlio Payments GmbH``.
        revenue: US dollars a year.
        pattern: how its addresses are made.
        catch_all: whether its mail server takes every address.
    """

    id: int
    name: str
    legal_name: str
    domain: str
    country: Country
    city: str
    state: str
    trade: Trade
    niche: str
    employees: int
    revenue: int
    founded: int
    pattern: str
    catch_all: bool
    phone: str | None

    @property
    def size(self) -> str:
        """``small`` (to 200), ``mid`` (to 1,000) or ``large``."""
        if self.employees <= 200:
            return "small"
        return "mid" if self.employees <= 1000 else "large"

    @property
    def segment(self) -> Segment:
        """Region and size."""
        return (self.country.region, self.size)


@dataclass(frozen=True, slots=True)
class Job:
    """Where somebody works or worked, as what, and the address they have or had there."""

    company: Company
    role: Role
    title: str
    email: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as they are.

    Attributes:
        job: the present one.
        former: the one before, if they changed it within a year; its address is dead.
        profile: the end of the address of their profile at LinkedIn.
        phone: E.164, at their desk; None if they have none.
        opted_out: they objected to being sold.
    """

    id: int
    first_name: str
    last_name: str
    job: Job
    former: Job | None
    profile: str
    phone: str | None
    mobile: str | None
    opted_out: bool

    @property
    def email(self) -> str:
        """The address that reaches them."""
        return self.job.email


class World:
    """Everything; made when it is first looked at, always the same for a seed and a size.

    Args:
        seed: of everything drawn.
        people: how many there are.
    """

    def __init__(self, seed: int = 0, people: int = PEOPLE) -> None:
        self.seed, self._wanted = seed, people

    @cached_property
    def companies(self) -> Sequence[Company]:
        """All companies; their place is their id."""
        return self._made[0]

    @cached_property
    def people(self) -> Sequence[Person]:
        """All people; their place is their id."""
        return self._made[1]

    def person(self, number: int) -> Person:
        """Who has this id."""
        return self.people[number]

    def whose(self, address: str) -> Person | None:
        """Who reads what is sent to ``address``, if anybody."""
        return self._mailboxes.get(address.lower())

    def delivery(self, address: str) -> Delivery:
        """What becomes of a letter to ``address``."""
        address = address.lower()
        if address in self._mailboxes:
            return Delivery.DELIVERED
        company = self.by_domain.get(address.rpartition("@")[2])
        swallowed = company is not None and company.catch_all
        return Delivery.SWALLOWED if swallowed else Delivery.BOUNCED

    @cached_property
    def by_domain(self) -> dict[str, Company]:
        """Companies by their domain."""
        return {company.domain: company for company in self.companies}

    @cached_property
    def _mailboxes(self) -> dict[str, Person]:
        return {person.email: person for person in self.people}

    @cached_property
    def _made(self) -> tuple[Sequence[Company], Sequence[Person]]:
        chance = Random(f"{self.seed}:companies")  # noqa: S311  (a rehearsal, not a secret)
        companies: list[Company] = []
        desks: list[Company] = []
        domains: set[str] = set()
        while len(desks) < self._wanted:
            company = _company(len(companies), domains, chance)
            companies.append(company)
            desks += [company] * chance.randint(*_KNOWN[company.size])
        del desks[self._wanted :]
        chance = Random(f"{self.seed}:people")  # noqa: S311
        return companies, list(_people(desks, companies, chance))


_KNOWN = {"small": (1, 5), "mid": (3, 9), "large": (6, 20)}
"""People of a company of each size whom the market has, at least and at most."""
_Thing = TypeVar("_Thing")


class _Weighted(Generic[_Thing]):
    """Things drawn by weight."""

    def __init__(self, things: Sequence[_Thing], weights: Sequence[float]) -> None:
        self._things, self._sums = things, list(accumulate(weights))

    def draw(self, chance: Random) -> _Thing:
        return chance.choices(self._things, cum_weights=self._sums)[0]


_COUNTRIES = _Weighted(COUNTRIES, [country.weight for country in COUNTRIES])
_TRADES = _Weighted(TRADES, [trade.weight for trade in TRADES])
_SIZES = _Weighted(SIZES, [share for _, _, share in SIZES])
_PATTERNS = _Weighted(
    ("first.last", "flast", "first", "f.last", "firstlast", "last", "first_last"),
    (46, 20, 9, 9, 8, 4, 4),
)
_SENIORITIES = _Weighted(tuple(SENIORITY_WEIGHTS), tuple(SENIORITY_WEIGHTS.values()))


def _company(number: int, domains: set[str], chance: Random) -> Company:
    country = _COUNTRIES.draw(chance)
    trade = _TRADES.draw(chance)
    least, most, _ = _SIZES.draw(chance)
    employees = round(exp(chance.uniform(log(least), log(most))))
    name = company_name(trade, chance)
    city, state = chance.choice(country.cities)
    size = "small" if most <= 200 else "mid" if most <= 1000 else "large"
    return Company(
        id=number,
        name=name,
        legal_name=f"{name} {chance.choice(country.forms)}",
        domain=_domain(name, domains, chance),
        country=country,
        city=city,
        state=state,
        trade=trade,
        niche=chance.choice(trade.niches),
        employees=employees,
        revenue=int(round(employees * exp(chance.gauss(11.9, 0.5)), -4)),
        founded=chance.randint(1900, 2022) if employees > 1000 else chance.randint(1985, 2024),
        pattern=_PATTERNS.draw(chance),
        catch_all=chance.random() < CATCH_ALL[size],
        phone=places.office_phone(country.code, chance),
    )


def _domain(name: str, taken: set[str], chance: Random) -> str:
    stem, ending = names.letters(name), chance.choice(("example", "test"))
    domain, number = f"{stem}.{ending}", 1
    while domain in taken:
        number += 1
        domain = f"{stem}{number}.{ending}"
    taken.add(domain)
    return domain


def _people(
    desks: Sequence[Company], companies: Sequence[Company], chance: Random
) -> Iterator[Person]:
    taken: set[str] = set()
    for number, company in enumerate(desks):
        language = company.country.language
        tongue = language if chance.random() < 0.9 else "en"
        first = chance.choice(names.FIRST_NAMES[tongue])
        last = chance.choice(names.LAST_NAMES[tongue])
        role = chance.choice(BY_SENIORITY[_SENIORITIES.draw(chance)])
        job = _job(company, role, first, last, taken, chance)
        former = None
        if chance.random() < MOVED:
            before = chance.choice(companies)
            former = _job(before, role, first, last, taken, chance) if before != company else None
        profile = f"{names.letters(first)}-{names.letters(last)}-{chance.getrandbits(32):08x}"
        country = company.country
        phone = places.office_phone(country.code, chance) if chance.random() < 0.7 else None
        mobile = places.mobile_phone(country.code, chance) if chance.random() < 0.4 else None
        out = chance.random() < OPTED_OUT[country.region]
        yield Person(number, first, last, job, former, profile, phone, mobile, out)


def _job(
    company: Company, role: Role, first: str, last: str, taken: set[str], chance: Random
) -> Job:
    language = company.country.language
    if language in role.local and chance.random() < 0.6:
        title = role.local[language]
    else:
        title = chance.choice(role.titles)
    local = local_part(company.pattern, first, last, german=language == "de")
    address, number = f"{local}@{company.domain}", 1
    while address in taken:
        number += 1
        address = f"{local}{number}@{company.domain}"
    taken.add(address)
    return Job(company, role, title, address)


def local_part(pattern: str, first: str, last: str, *, german: bool = False) -> str:
    """The part of an address before the ``@``."""
    first, last = names.letters(first, german=german), names.letters(last, german=german)
    return {
        "first.last": f"{first}.{last}",
        "flast": f"{first[0]}{last}",
        "first": first,
        "f.last": f"{first[0]}.{last}",
        "firstlast": f"{first}{last}",
        "last": last,
        "first_last": f"{first}_{last}",
    }[pattern]
