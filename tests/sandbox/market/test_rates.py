"""What the vendors know is near the table of assumptions, and true to the market."""

from collections import Counter, defaultdict
from math import sqrt

import pytest

from scripts.sandbox.market.catalogue import ACCEPT_ALL, INVALID, UNKNOWN, VALID, Catalogue, Record
from scripts.sandbox.market.rates import MOVED, RATES, VENDORS, VERIFIERS
from scripts.sandbox.market.world import Delivery, World

Catalogues = dict[str, Catalogue]
SIGMAS = 4
"""Standard errors by which a share may miss its rate."""


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def catalogues(world: World) -> Catalogues:
    return {vendor: Catalogue(world, vendor) for vendor in VENDORS}


def near(chosen: int, of: int, rate: float) -> bool:
    """Whether so many of so many are what a rate promises."""
    error = sqrt(rate * (1 - rate) / of)
    return abs(chosen / of - rate) <= SIGMAS * error


def share(chosen: int, of: int) -> float:
    return chosen / of if of else 0.0


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_segment_is_covered_as_the_table_says(
    world: World, catalogues: Catalogues, vendor: str
) -> None:
    people = Counter(person.job.company.segment for person in world.people)
    known = {record.person.id: record.person for record in catalogues[vendor].records}
    covered = Counter(person.job.company.segment for person in known.values())

    assert set(people) == set(RATES[vendor])
    for segment, rates in RATES[vendor].items():
        assert near(covered[segment], people[segment], rates.coverage)


@pytest.mark.parametrize("vendor", VENDORS)
def test_records_are_wrong_and_empty_as_often_as_the_table_says(
    catalogues: Catalogues, vendor: str
) -> None:
    by_segment: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in catalogues[vendor].records:
        by_segment[record.person.job.company.segment].append(record)

    for segment, records in by_segment.items():
        rates = RATES[vendor][segment]
        without = sum(record.email is None for record in records)
        assert near(without, len(records), rates.no_email)
        moved = [record for record in records if record.person.former]
        behind = sum(record.job is record.person.former for record in moved)
        assert near(behind, len(moved), rates.behind)
        told = [record for record in records if record.email]
        unsure = sum(record.status == UNKNOWN for record in told)
        assert near(unsure, len(told), rates.unsure)


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_a_vendor_says_of_an_address_goes_with_the_truth(
    world: World, catalogues: Catalogues, vendor: str
) -> None:
    told: dict[str, Counter[Delivery]] = defaultdict(Counter)
    for record in catalogues[vendor].records:
        if record.email:
            told[record.status][world.delivery(record.email)] += 1

    valid, verifier = told[VALID], VERIFIERS[vendor]
    assert valid[Delivery.SWALLOWED] == 0
    wrong = share(valid[Delivery.BOUNCED], valid.total())
    assert 0 < wrong < verifier.bad_called_valid
    assert told[ACCEPT_ALL][Delivery.BOUNCED] == 0
    assert told[ACCEPT_ALL][Delivery.SWALLOWED] > 0
    right = share(told[INVALID][Delivery.BOUNCED], told[INVALID].total())
    assert right > 0.7


def test_people_change_their_employer_at_the_set_rate(world: World) -> None:
    moved = sum(person.former is not None for person in world.people)

    assert near(moved, len(world.people), MOVED)


def test_zoominfo_knows_large_american_companies_and_uplead_small_european_ones() -> None:
    uplead, zoominfo = RATES["uplead"], RATES["zoominfo"]

    assert zoominfo["us", "large"].coverage > uplead["us", "large"].coverage
    assert zoominfo["eu", "small"].coverage < uplead["eu", "small"].coverage
    for vendor in (uplead, zoominfo):
        assert vendor["eu", "small"].coverage < vendor["us", "large"].coverage


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_few_records_are_there_twice(catalogues: Catalogues, vendor: str) -> None:
    records = catalogues[vendor].records
    twice = len(records) - len({record.person.id for record in records})

    assert len({record.id for record in records}) == len(records)
    assert near(twice, len(records), VERIFIERS[vendor].duplicates)


def test_european_fintech_serves_two_hundred_many_times_over(catalogues: Catalogues) -> None:
    usable: set[int] = set()
    for catalogue in catalogues.values():
        for record in catalogue.records:
            place = record.job.company
            fits = place.country.eu and place.trade.key == "financial_services"
            if fits and record.status == VALID:
                usable.add(record.person.id)

    assert len(usable) > 8 * 200
