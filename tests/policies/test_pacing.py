"""The pace of all calls to a vendor: slots in time, slower at once, faster slowly."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.pacing import (
    HEADROOM,
    SETTLING,
    SLOWER,
    UNTOLD_PAUSE,
    Allowance,
    Pace,
    Window,
    allowed,
    heard,
    hold,
    take,
    throttled,
    tokens_rate,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PACE = Pace(requests_per_minute=600, tokens_per_minute=60_000)


def calls(pace: Pace, now: datetime, tokens: int, number: int) -> tuple[Pace, list[datetime]]:
    slots: list[datetime] = []
    for _ in range(number):
        pace, slot = take(pace, [tokens], now)
        slots += slot
    return pace, slots


def test_the_first_call_may_start_at_once() -> None:
    assert take(PACE, [100], NOW)[1] == [NOW]


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=30))
def test_it_does_not_matter_how_calls_are_grouped(sizes: list[int]) -> None:
    together = take(PACE, [50] * sum(sizes), NOW)
    pace, slots = PACE, list[datetime]()
    for size in sizes:
        pace, some = take(pace, [50] * size, NOW)
        slots += some

    assert (pace, slots) == together


@pytest.mark.parametrize(("tokens", "per_minute"), [(10, 600), (1000, 60)])
def test_no_minute_has_more_calls_than_either_limit_allows(tokens: int, per_minute: int) -> None:
    _, slots = calls(PACE, NOW, tokens, 1300)

    for start in slots[:: per_minute // 10]:
        within = sum(start <= slot < start + MINUTE for slot in slots)
        assert within <= per_minute


@pytest.mark.parametrize(("tokens", "per_minute"), [(10, 600), (1000, 60)])
def test_nearly_all_of_the_limit_is_used(tokens: int, per_minute: int) -> None:
    _, slots = calls(PACE, NOW, tokens, 5 * per_minute)
    took = (slots[-1] - slots[0]) / MINUTE

    assert (len(slots) - 1) / took == pytest.approx(per_minute * HEADROOM, rel=0.001)


def test_idle_time_is_not_saved_up_for_a_burst() -> None:
    pace, _ = take(PACE, [10], NOW)
    _, slots = take(pace, [10] * 3, NOW + timedelta(hours=1))

    gaps = {later - earlier for earlier, later in pairwise(slots)}
    assert len(gaps) == 1
    assert gaps.pop() >= MINUTE / 600


@given(tokens=st.lists(st.integers(0, 100_000), min_size=1, max_size=50))
def test_slots_never_go_back_in_time(tokens: list[int]) -> None:
    pace, first = take(PACE, tokens, NOW)
    _, second = take(pace, tokens, NOW)

    assert [*first, *second] == sorted([*first, *second])
    assert first[0] >= NOW


def test_a_lower_limit_that_the_vendor_announces_is_kept() -> None:
    pace = heard(PACE, 60, None, NOW)
    _, slots = calls(pace, NOW, 1, 10)

    assert slots[-1] - slots[0] >= timedelta(seconds=9)


def test_a_higher_announced_limit_does_not_lift_the_operators_ceiling() -> None:
    assert take(heard(PACE, 10_000, 10**9, NOW), [5] * 9, NOW)[1] == take(PACE, [5] * 9, NOW)[1]


def test_a_success_without_limits_keeps_those_heard_before() -> None:
    pace = heard(heard(PACE, 60, 6000, NOW), None, None, NOW)
    assert (pace.announced_requests, pace.announced_tokens) == (60, 6000)


def test_a_429_stops_everyone_for_as_long_as_it_says_and_slows_down() -> None:
    pace = throttled(PACE, timedelta(seconds=5), NOW)

    assert take(pace, [1], NOW)[1] == [NOW + timedelta(seconds=5)]
    assert pace.factor == SLOWER


def test_the_429s_of_calls_under_way_together_count_once() -> None:
    pace = throttled(PACE, timedelta(seconds=1), NOW)
    for _ in range(20):
        pace = throttled(pace, timedelta(seconds=8), NOW + SETTLING / 2)
    assert pace.factor == SLOWER
    assert pace.next_request == NOW + SETTLING / 2 + timedelta(seconds=8)


def test_a_429_never_brings_a_slot_forward() -> None:
    pace, slots = take(PACE, [1] * 1000, NOW)
    assert take(throttled(pace, timedelta(), NOW), [1], NOW)[1][0] > slots[-1]


def test_it_slows_down_at_once_and_recovers_slowly_to_the_whole_limit() -> None:
    pace = throttled(PACE, timedelta(), NOW)
    assert heard(pace, None, None, NOW + SETTLING / 2).factor == SLOWER
    later = NOW + SETTLING
    steps = 0
    while pace.factor < 1:
        pace = heard(pace, None, None, later)
        steps += 1
    assert 10 <= steps <= 20
    assert heard(pace, None, None, later).factor == 1


def test_it_never_comes_to_a_standstill() -> None:
    pace, now = PACE, NOW
    for _ in range(200):
        now += SETTLING
        pace = throttled(pace, timedelta(), now)
    start = take(pace, [1, 1], now)[1]
    assert start[1] - start[0] <= 2 * MINUTE


@given(factor=st.floats(0.01, 1), wait=st.integers(0, 600))
def test_the_factor_stays_a_share(factor: float, wait: int) -> None:
    pace = throttled(replace(PACE, factor=factor), timedelta(seconds=wait), NOW)
    assert 0 < pace.factor <= factor
    assert heard(pace, 1, 1, NOW + MINUTE).factor <= 1


SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
UNCOUNTED = Pace(requests_per_minute=6000)
durations = st.timedeltas(-DAY, 30 * DAY)
counts = st.none() | st.integers(0, 10**6)
windows = st.builds(
    Window,
    period=st.none() | st.sampled_from([SECOND, MINUTE, timedelta(hours=1), DAY]),
    limit=counts,
    remaining=counts,
    resets_in=st.none() | durations,
)
allowances = st.builds(Allowance, st.lists(windows, max_size=4).map(tuple))


def test_a_vendor_that_counts_no_tokens_is_paced_by_its_requests() -> None:
    _, slots = take(UNCOUNTED, [0, 10**9, 0], NOW)

    assert tokens_rate(UNCOUNTED) is None
    assert slots[2] - slots[0] < 21 * timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("told", "per_minute"),
    [
        ((), None),
        ((Window(SECOND, 5, 5),), 300),
        ((Window(MINUTE, 500),), 500),
        ((Window(SECOND, 25), Window(timedelta(hours=1), 54_000), Window(DAY, 648_000)), 1500),
        ((Window(SECOND, 25), Window(MINUTE, 600)), 600),
        ((Window(DAY, 10),), None),
        ((Window(None, 10), Window(MINUTE, None), Window(MINUTE, 0)), None),
    ],
)
def test_short_windows_set_the_pace(told: tuple[Window, ...], per_minute: float | None) -> None:
    assert Allowance(told).per_minute == per_minute


@pytest.mark.parametrize(
    ("window", "pause"),
    [
        (Window(MINUTE, 500, 1, 30 * SECOND), timedelta()),
        (Window(MINUTE, 500, None, 30 * SECOND), timedelta()),
        (Window(MINUTE, 500, 0, 30 * SECOND), 30 * SECOND),
        (Window(MINUTE, 500, 0, -30 * SECOND), timedelta()),
        (Window(SECOND, 5, 0), SECOND),
        (Window(DAY, 15_000, 0), UNTOLD_PAUSE),
        (Window(None, None, 0), UNTOLD_PAUSE),
        (Window(DAY, 15_000, 0, 3 * DAY), DAY),
    ],
)
def test_a_window_that_is_used_up_is_waited_for(window: Window, pause: timedelta) -> None:
    assert window.pause == pause
    assert Allowance((window, Window(MINUTE, 9, 9))).pause == pause


@given(allowance=allowances, calls_made=st.integers(1, 20))
def test_whatever_is_announced_no_slot_is_before_its_end_nor_above_its_pace(
    allowance: Allowance, calls_made: int
) -> None:
    pace = allowed(UNCOUNTED, allowance, NOW)
    _, slots = take(pace, [0] * calls_made, NOW)

    assert slots[0] == NOW + allowance.pause
    assert allowance.pause <= DAY
    if allowance.per_minute and calls_made > 1:
        least = MINUTE / max(allowance.per_minute, 1.0)
        assert slots[1] - slots[0] >= min(least, MINUTE) - timedelta(microseconds=1)


def test_a_pause_holds_back_whoever_has_a_slot_and_is_never_cut_short() -> None:
    pace = hold(UNCOUNTED, 30 * SECOND, NOW)
    pace = hold(pace, 10 * SECOND, NOW + SECOND)
    pace = throttled(pace, 5 * SECOND, NOW + SECOND)

    assert pace.held_until == NOW + 30 * SECOND
    assert hold(UNCOUNTED, timedelta(), NOW) == UNCOUNTED
