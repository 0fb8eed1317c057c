"""Backoff and the circuit breaker."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from policies import failure
from policies.failure import (
    FIRST_PAUSE,
    FIRST_WAIT,
    LONGEST_PAUSE,
    LONGEST_WAIT,
    THRESHOLD,
    Breaker,
    backoff,
    may_call,
    probe,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PATIENCE = timedelta(seconds=30)
chances = st.floats(0, 1)


@given(attempt=st.integers(1, 10_000), chance=chances)
def test_a_wait_is_never_longer_than_the_longest(attempt: int, chance: float) -> None:
    assert timedelta() <= backoff(attempt, chance) <= LONGEST_WAIT


def test_the_longest_possible_wait_doubles_with_each_attempt() -> None:
    waits = [backoff(attempt, 1.0) / FIRST_WAIT for attempt in range(1, 12)]

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]


@given(attempt=st.integers(1, 50), lower=chances, higher=chances)
def test_chance_spreads_the_waits_over_the_whole_range(
    attempt: int, lower: float, higher: float
) -> None:
    first, second = sorted((lower, higher))
    assert backoff(attempt, first) <= backoff(attempt, second)
    assert backoff(attempt, 0) == timedelta()


@given(attempt=st.integers(1, 50), chance=chances, seconds=st.integers(0, 10_000))
def test_a_vendor_is_never_asked_before_it_wants(attempt: int, chance: float, seconds: int) -> None:
    asked = timedelta(seconds=seconds)
    assert backoff(attempt, chance, at_least=asked) >= asked


def tripped(now: datetime = NOW, breaker: Breaker | None = None) -> Breaker:
    breaker = breaker or Breaker()
    for _ in range(THRESHOLD):
        breaker = failure.failed(breaker, now)
    return breaker


def test_a_few_failures_leave_the_breaker_closed() -> None:
    breaker = Breaker()
    for _ in range(THRESHOLD - 1):
        breaker = failure.failed(breaker, NOW)
        assert may_call(breaker, NOW)
    assert failure.succeeded(breaker) == Breaker()


def test_enough_failures_in_a_row_open_it_for_a_pause() -> None:
    breaker = tripped()

    assert not may_call(breaker, NOW + FIRST_PAUSE - timedelta(microseconds=1))
    assert may_call(breaker, NOW + FIRST_PAUSE)


def test_calls_that_were_under_way_when_it_opened_do_not_prolong_the_pause() -> None:
    breaker, moment = tripped(), timedelta(milliseconds=10)
    for place in range(1, 30):
        breaker = failure.failed(breaker, NOW + place * moment)

    assert breaker.open_until == NOW + FIRST_PAUSE
    asked = failure.failed(breaker, NOW + moment, at_least=2 * FIRST_PAUSE)
    assert asked.open_until == NOW + moment + 2 * FIRST_PAUSE
    again = failure.failed(probe(breaker, NOW + FIRST_PAUSE, PATIENCE), NOW + FIRST_PAUSE)
    assert again.open_until == NOW + 3 * FIRST_PAUSE


def test_a_success_between_failures_starts_the_count_anew() -> None:
    breaker = Breaker()
    for _ in range(3 * THRESHOLD):
        breaker = failure.succeeded(failure.failed(breaker, NOW))
        assert may_call(breaker, NOW)


def test_after_the_pause_one_probe_keeps_the_others_waiting() -> None:
    breaker, later = tripped(), NOW + FIRST_PAUSE
    breaker = probe(breaker, later, PATIENCE)

    assert not may_call(breaker, later)
    assert may_call(breaker, later + PATIENCE)  # the probe died with its worker
    assert may_call(failure.succeeded(breaker), later)


def test_a_closed_breaker_needs_no_probe() -> None:
    assert probe(Breaker(failures=2), NOW, PATIENCE) == Breaker(failures=2)


def test_a_failed_probe_opens_it_again_for_twice_as_long_up_to_a_limit() -> None:
    breaker, now, pauses = tripped(), NOW, list[timedelta]()
    for _ in range(10):
        assert breaker.open_until is not None
        pauses.append(breaker.open_until - now)
        now = breaker.open_until
        breaker = failure.failed(probe(breaker, now, PATIENCE), now)

    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    assert failure.succeeded(breaker) == Breaker()


def test_a_vendor_that_asks_for_a_longer_pause_gets_it() -> None:
    breaker = Breaker(failures=THRESHOLD - 1)
    asked = timedelta(minutes=20)

    assert failure.failed(breaker, NOW, at_least=asked).open_until == NOW + asked
