"""The invented market: the same for a seed, in nobody's real range, and true to itself."""

import hashlib
import os
import re
import subprocess
import sys

import pytest

from policies.contact_points import normal_email, normal_phone
from policies.countries import country_code
from policies.industries import industry_of
from policies.job_titles import seniority_of
from scripts.sandbox.market.catalogue import Catalogue
from scripts.sandbox.market.places import COUNTRIES
from scripts.sandbox.market.titles import ROLES
from scripts.sandbox.market.trades import TRADES
from scripts.sandbox.market.world import Delivery, World
from scripts.sandbox.process import ROOT

FICTION = re.compile(
    r"\+1[2-9]\d\d55501\d\d|\+49(30|69|40|221|89)\d{7,8}|\+4917139200\d\d|\+442079460\d{3}"
    r"|\+33199\d{6}|\+468465004\d\d|\+46701740[67]\d\d?|\+61255500?\d{3,4}|\+61491570\d{3}"
)
_DIGEST = """
import hashlib
from scripts.sandbox.market.catalogue import Catalogue
from scripts.sandbox.market.world import World
world = World({seed}, 800)
known = [Catalogue(world, vendor).records for vendor in ("uplead", "zoominfo")]
told = [world.companies, world.people, *known]
print(hashlib.sha256(repr(told).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def world() -> World:
    return World(0, 8_000)


def digest(seed: int, hash_seed: str) -> str:
    told = subprocess.run(
        [sys.executable, "-c", _DIGEST.format(seed=seed)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
        timeout=60,
    )
    return told.stdout.decode().strip()


def test_a_seed_makes_one_market_in_every_process() -> None:
    first = digest(7, "1")

    assert len(first) == hashlib.sha256().digest_size * 2
    assert digest(7, "2") == first
    assert digest(8, "1") != first


def test_there_are_as_many_people_as_were_asked_for(world: World) -> None:
    assert len(world.people) == 8_000
    assert len(World(3, 1).people) == 1
    assert [person.id for person in world.people] == list(range(8_000))
    assert world.person(12) is world.people[12]


def test_nobody_in_it_can_be_reached_in_the_real_world(world: World) -> None:
    assert all(c.domain.endswith((".example", ".test")) for c in world.companies)
    phones = [p for person in world.people for p in (person.phone, person.mobile) if p]
    assert len(phones) > 2_000
    assert [p for p in phones if not FICTION.fullmatch(p)] == []
    assert [p for p in set(phones) if normal_phone(p, None) != p] == []


def test_addresses_are_addresses_and_each_is_one_persons(world: World) -> None:
    emails = [person.email for person in world.people]

    assert [e for e in emails if normal_email(e) != e] == []
    assert len(set(emails)) == len(emails)
    assert len({company.domain for company in world.companies}) == len(world.companies)


def test_its_titles_industries_and_countries_are_ones_we_can_read() -> None:
    titles = [(role, title) for role in ROLES for title in (*role.titles, *role.local.values())]
    assert [t for role, t in titles if seniority_of(t) != role.seniority] == []
    read = [industry_of(niche) == trade.key for trade in TRADES for niche in trade.niches]
    assert read.count(False) <= 1
    assert [c.code for c in COUNTRIES if country_code(c.name) != c.code] == []


def test_it_knows_what_becomes_of_a_letter(world: World) -> None:
    for person in world.people:
        assert world.delivery(person.email.upper()) is Delivery.DELIVERED
        assert world.whose(person.email) is person
        if person.former is not None:
            dead = world.delivery(person.former.email)
            swallowed = person.former.company.catch_all
            assert dead is (Delivery.SWALLOWED if swallowed else Delivery.BOUNCED)
            assert world.whose(person.former.email) is None
    assert world.delivery("nobody@nowhere.example") is Delivery.BOUNCED
    assert world.delivery("no address") is Delivery.BOUNCED


def test_it_is_made_only_when_somebody_looks(world: World) -> None:
    lazy = World(0, 8_000)

    assert "_made" not in vars(lazy)
    assert lazy.person(5) == world.person(5)


def test_a_vendors_names_of_a_person_are_its_own(world: World) -> None:
    uplead, zoominfo = Catalogue(world, "uplead"), Catalogue(world, "zoominfo")
    theirs = {record.person.id: record for record in zoominfo.records}
    both = [(r, theirs[r.person.id]) for r in uplead.records if r.person.id in theirs]

    assert len(both) > 1_000
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", a.id) for a, _ in both)
    assert all(b.id.isdecimal() for _, b in both)
    for told in (
        [(a.employer.name, b.employer.name) for a, b in both],
        [(a.title, b.title) for a, b in both],
        [(a.last_name, b.last_name) for a, b in both],
        [(a.email, b.email) for a, b in both],
    ):
        assert any(one != other for one, other in told)
        assert any(one == other for one, other in told)
