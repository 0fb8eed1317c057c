"""What one vendor has of the market: some of the people, some of it old, some of it wrong."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp
from random import Random
from uuid import UUID

from scripts.sandbox.market import names
from scripts.sandbox.market.rates import RATES, VERIFIERS, Rates
from scripts.sandbox.market.titles import BY_SENIORITY, Role
from scripts.sandbox.market.world import Company, Delivery, Job, Person, World, local_part

VALID, ACCEPT_ALL, INVALID, UNKNOWN = "valid", "accept_all", "invalid", "unknown"
_PATTERNS = ("first.last", "flast", "first")
_OTHER_TITLE, _OLD_TITLE = 0.30, 0.05
_PLAIN_NAME, _SHORT_NAME = 0.40, 0.25
_HAS_PROFILE = {"uplead": 0.80, "zoominfo": 0.55}
_BARE_COMPANY, _SHOUTED_COMPANY = 0.45, 0.04
_KNOWS_COMPANY = 0.6
_WRONG_PHONE = 0.05
_REMEMBERED = 64
"""Questions of which the answer is remembered."""


@dataclass(frozen=True, slots=True)
class CompanyRecord:
    """A company as the vendor tells of it.

    Attributes:
        name: as the vendor spells it.
        employees: as the vendor counts them.
    """

    id: str
    company: Company
    name: str
    employees: int


@dataclass(frozen=True, slots=True)
class Record:
    """A person as the vendor tells of them.

    Attributes:
        person: who it really is.
        job: where the vendor takes them to work; not always their present one.
        role: what the vendor takes them to do there.
        email: None if the vendor has none.
        status: what the vendor thinks of the address.
        profile: the end of the address of their profile at LinkedIn, if the vendor has it.
        age: days since the vendor last looked.
        score: 0 to 100, how sure the vendor is of the whole.
    """

    id: str
    person: Person
    job: Job
    role: Role
    employer: CompanyRecord
    first_name: str
    last_name: str
    title: str
    email: str | None
    status: str
    phone: str | None
    mobile: str | None
    profile: str | None
    age: int
    score: int


class Catalogue:
    """All records of one vendor, in its own order; made when it is first looked at.

    Args:
        world: the market.
        vendor: one of `rates.VENDORS`.
    """

    def __init__(self, world: World, vendor: str) -> None:
        self.world, self.vendor = world, vendor
        self._asked: dict[str, Sequence[Record]] = {}

    @cached_property
    def records(self) -> Sequence[Record]:
        """Everybody whom the vendor knows."""
        chance = Random(f"{self.world.seed}:{self.vendor}")  # noqa: S311  (a rehearsal)
        records = list(self._known(chance))
        chance.shuffle(records)
        return records

    @cached_property
    def by_id(self) -> dict[str, Record]:
        """Records by their name at the vendor."""
        return {record.id: record for record in self.records}

    @cached_property
    def by_email(self) -> dict[str, Record]:
        """Records by their address."""
        return {record.email: record for record in reversed(self.records) if record.email}

    @cached_property
    def by_profile(self) -> dict[str, Record]:
        """Records by their profile at LinkedIn."""
        return {record.profile: record for record in reversed(self.records) if record.profile}

    @cached_property
    def by_name(self) -> dict[tuple[str, str], list[Record]]:
        """Records by first and last name, without accents; short names and long ones alike."""
        found: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in self.records:
            last = names.key(record.last_name)
            for first in {record.first_name: 0, record.person.first_name: 0}:
                found[names.key(first), last].append(record)
        return found

    def matching(self, question: str, takes: Callable[[Record], bool]) -> Sequence[Record]:
        """The records that ``takes``; told from memory when the same question comes again."""
        if question not in self._asked:
            if len(self._asked) >= _REMEMBERED:
                del self._asked[next(iter(self._asked))]
            self._asked[question] = [record for record in self.records if takes(record)]
        return self._asked[question]

    @cached_property
    def companies(self) -> dict[str, CompanyRecord]:
        """Companies that the vendor knows, by domain."""
        chance = Random(f"{self.world.seed}:{self.vendor}:known")  # noqa: S311
        staffed = {record.job.company.id for record in self.records}
        return {
            company.domain: self.employers[company.id]
            for company in self.world.companies
            if (chance.random() < _KNOWS_COMPANY) or company.id in staffed
        }

    @cached_property
    def companies_by_id(self) -> dict[str, CompanyRecord]:
        """The same by their name at the vendor."""
        return {company.id: company for company in self.companies.values()}

    @cached_property
    def employers(self) -> Sequence[CompanyRecord]:
        """Every company as the vendor would tell of it, by our own id."""
        chance = Random(f"{self.world.seed}:{self.vendor}:companies")  # noqa: S311
        name_of = _names_of(self.vendor, 20_000_000)
        return [
            CompanyRecord(
                name_of(chance),
                company,
                _company_name(company, chance),
                max(1, round(company.employees * exp(chance.gauss(0, 0.12)))),
            )
            for company in self.world.companies
        ]

    def _known(self, chance: Random) -> Iterator[Record]:
        rates, verifier = RATES[self.vendor], VERIFIERS[self.vendor]
        name_of = _names_of(self.vendor, 100_000_000)
        for person in self.world.people:
            ours = rates[person.job.company.segment]
            if chance.random() >= ours.coverage:
                continue
            record = self._record(name_of(chance), person, ours, chance)
            yield record
            if chance.random() < verifier.duplicates:
                yield replace(record, id=name_of(chance))

    def _record(self, name: str, person: Person, rates: Rates, chance: Random) -> Record:
        behind = person.former is not None and chance.random() < rates.behind
        job = person.former if behind and person.former else person.job
        first, last = _spelled(person, chance)
        role, title = _title(job, chance)
        email, status = self._address(person, job, rates, chance)
        good = not behind and status in {VALID, ACCEPT_ALL}
        score = chance.randint(82, 99) if good else chance.randint(62, 93)
        reached = chance.random() < rates.phone
        wrong = chance.random() < _WRONG_PHONE
        return Record(
            id=name,
            person=person,
            job=job,
            role=role,
            employer=self.employers[job.company.id],
            first_name=first,
            last_name=last,
            title=title,
            email=email,
            status=status,
            phone=(job.company.phone if wrong or behind else person.phone) if reached else None,
            mobile=person.mobile if reached and not wrong else None,
            profile=person.profile if chance.random() < _HAS_PROFILE[self.vendor] else None,
            age=chance.randint(150, 700) if behind else min(400, int(chance.expovariate(1 / 70))),
            score=score,
        )

    def _address(
        self, person: Person, job: Job, rates: Rates, chance: Random
    ) -> tuple[str | None, str]:
        missing, guess, unsure, lucky = (chance.random() for _ in range(4))
        if missing < rates.no_email:
            return None, UNKNOWN
        email = job.email
        if guess < rates.guessed:
            german = job.company.country.language == "de"
            pattern = next(p for p in _PATTERNS if p != job.company.pattern)
            local = local_part(pattern, person.first_name, person.last_name, german=german)
            email = f"{local}@{job.company.domain}"
        if unsure < rates.unsure:
            return email, UNKNOWN
        if job.company.catch_all:
            return email, ACCEPT_ALL
        verifier = VERIFIERS[self.vendor]
        if self.world.delivery(email) is Delivery.DELIVERED:
            return email, INVALID if lucky < verifier.good_called_invalid else VALID
        return email, VALID if lucky < verifier.bad_called_valid else INVALID


def _names_of(vendor: str, least: int) -> Callable[[Random], str]:
    """Names as the vendor gives them: UUIDs at UpLead, numbers as text at ZoomInfo."""
    if vendor == "uplead":
        return lambda chance: str(UUID(int=chance.getrandbits(128), version=4))
    taken: set[int] = set()

    def number(chance: Random) -> str:
        drawn = least + chance.randrange(least)
        while drawn in taken:
            drawn = least + chance.randrange(least)
        taken.add(drawn)
        return str(drawn)

    return number


def _spelled(person: Person, chance: Random) -> tuple[str, str]:
    accents, short = chance.random(), chance.random()
    first, last = person.first_name, person.last_name
    if short < _SHORT_NAME:
        first = names.SHORT.get(first, first)
    return (names.plain(first), names.plain(last)) if accents < _PLAIN_NAME else (first, last)


def _title(job: Job, chance: Random) -> tuple[Role, str]:
    old, other = chance.random(), chance.random()
    if old < _OLD_TITLE:
        role = chance.choice([r for r in BY_SENIORITY["manager"] if r != job.role])
        return role, chance.choice(role.titles)
    return job.role, chance.choice(job.role.titles) if other < _OTHER_TITLE else job.title


def _company_name(company: Company, chance: Random) -> str:
    drawn = chance.random()
    if drawn < _SHOUTED_COMPANY:
        return company.legal_name.upper()
    return company.name if drawn < _SHOUTED_COMPANY + _BARE_COMPANY else company.legal_name
