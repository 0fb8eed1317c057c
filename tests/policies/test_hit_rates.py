"""What is learned from answers, and how little is believed of a few."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.fact_rules import EMAIL_STATUS
from policies.hit_rates import Mail, Rates, Segment, Tally, country_group, is_name
from policies.prospect import EmailStatus

SMALL = Segment(missed=False, named_by="both", mail=Mail.CHECKS, country="dach", size="small")
LARGE = Segment(missed=False, named_by="both", mail=Mail.CHECKS, country="dach", size="large")
OTHER = Segment(missed=False, named_by="company", mail=Mail.UNKNOWN, country="isles", size="large")


def rates(segment: Segment, tally: Tally, *, optimism: float = 0.0) -> Rates:
    return Rates({("uplead", EMAIL_STATUS, segment.key): tally}, optimism=optimism)


def helps(found: Rates, segment: Segment) -> float:
    return found.of("uplead", segment).helps[EMAIL_STATUS]


def test_many_answers_speak_for_themselves() -> None:
    found = rates(SMALL, Tally(10_000, 2_000, 2_500, 2_000))
    assert found.of("uplead", SMALL).bills == pytest.approx(0.25, abs=0.01)
    assert helps(found, SMALL) == pytest.approx(0.2, abs=0.01)


def test_a_segment_without_answers_speaks_with_the_voice_of_its_neighbours() -> None:
    found = rates(SMALL, Tally(1_000, 100, 100, 100))
    nothing = Rates({}, optimism=0.0)
    assert found.of("uplead", LARGE).bills == pytest.approx(0.1, abs=0.01)
    assert found.of("uplead", OTHER).bills == pytest.approx(0.1, abs=0.01)
    assert nothing.of("uplead", SMALL).bills == nothing.of("zoominfo", OTHER).bills


def test_few_answers_move_a_rate_a_little() -> None:
    before, after = Rates({}, optimism=0.0), rates(SMALL, Tally(1, 0, 0, 0))
    moved = before.of("uplead", SMALL).bills - after.of("uplead", SMALL).bills
    assert 0 < moved < 0.25


def test_what_a_record_costs_for_each_help_does_not_depend_on_how_often_it_is_known() -> None:
    rare, common = rates(SMALL, Tally(10_000, 80, 100, 80)), rates(SMALL, Tally(125, 80, 100, 80))
    for found in (rare, common):
        share = helps(found, SMALL) / found.of("uplead", SMALL).bills
        assert share == pytest.approx(0.8, abs=0.35)
    assert rare.of("uplead", SMALL).bills < 0.02 < 0.7 < common.of("uplead", SMALL).bills


def test_optimism_fades_with_every_answer() -> None:
    bonus = [
        helps(rates(SMALL, Tally(n, n // 2, n, n // 2), optimism=1.0), SMALL)
        - helps(rates(SMALL, Tally(n, n // 2, n, n // 2)), SMALL)
        for n in (10, 100, 1000)
    ]
    assert bonus == sorted(bonus, reverse=True)
    assert bonus[-1] < 0.02


counts = st.integers(0, 500)


@given(counts, counts, counts, counts, st.floats(0, 3))
def test_a_rate_is_a_probability_whatever_was_counted(
    free_hits: int, free: int, hits: int, misses: int, optimism: float
) -> None:
    tally = Tally(free_hits + free + hits + misses, free_hits + hits, hits + misses, hits)
    found = rates(SMALL, tally, optimism=optimism)
    for segment in (SMALL, LARGE, OTHER):
        assert 0 <= helps(found, segment) <= 1
        assert 0 <= found.of("uplead", segment).bills <= 1


@given(counts, counts, st.integers(1, 200))
def test_more_hits_never_make_a_source_worse(hits: int, misses: int, more: int) -> None:
    asked = hits + misses + more
    fewer = rates(SMALL, Tally(asked, hits, asked, hits))
    many = rates(SMALL, Tally(asked, hits + more, asked, hits + more))
    assert helps(many, SMALL) >= helps(fewer, SMALL)


def test_a_segment_is_counted_under_all_groups_above_it() -> None:
    assert SMALL.levels == (
        "",
        "both",
        "both/checks",
        "both/checks/first",
        "both/checks/first/dach",
        "both/checks/first/dach/small",
    )


@pytest.mark.parametrize(
    ("country", "group"),
    [("DE", "dach"), ("US", "america"), ("FR", "europe"), ("JP", "elsewhere"), (None, "unknown")],
)
def test_countries_are_counted_in_groups(country: str | None, group: str) -> None:
    assert country_group(country) == group


@pytest.mark.parametrize(
    ("email", "status", "names"),
    [
        ("ann@acme.de", None, True),
        ("ann@acme.de", EmailStatus.VALID, True),
        ("ann@acme.de", EmailStatus.CATCH_ALL, False),
        ("ann@acme.de", EmailStatus.INVALID, False),
        ("ann@gmail.com", None, False),
        ("info@acme.de", None, False),
        (None, None, False),
    ],
)
def test_an_address_names_its_person_unless_it_is_unsure(
    email: str | None, status: EmailStatus | None, names: bool
) -> None:
    assert is_name(email, status) == names
