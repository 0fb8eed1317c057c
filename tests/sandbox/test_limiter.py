"""The limiter lets through what OpenAI's would, and says when to come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.vendors.openai.wire import duration
from scripts.sandbox.openai.limiter import Limiter, shown


def test_a_minute_of_requests_may_be_used_at_once_and_then_one_at_a_time() -> None:
    limiter = Limiter(rpm=60, tpm=1_000_000, burst=60)
    assert all(limiter.take(1, 100.0) is None for _ in range(60))

    excess = limiter.take(1, 100.0)

    assert excess is not None
    assert (excess.kind, excess.limit, excess.used, excess.requested) == ("requests", 60, 60, 1)
    assert excess.wait == pytest.approx(1.0)
    assert limiter.take(1, 100.9) is not None
    assert limiter.take(1, 101.0) is None


def test_tokens_are_limited_beside_requests() -> None:
    limiter = Limiter(rpm=1000, tpm=6000, burst=60)
    assert limiter.take(5000, 0.0) is None

    excess = limiter.take(2000, 0.0)

    assert excess is not None
    assert (excess.kind, excess.used, excess.requested) == ("tokens", 5000, 2000)
    assert excess.wait == pytest.approx(10.0)
    assert limiter.headers()["x-ratelimit-remaining-requests"] == "999"


def test_a_call_that_is_turned_away_uses_nothing() -> None:
    limiter = Limiter(rpm=1000, tpm=600, burst=60)
    before = limiter.headers()

    assert limiter.take(601, 0.0) is not None

    assert limiter.headers() == before


def test_a_call_beyond_the_whole_allowance_is_told_that_no_waiting_helps() -> None:
    excess = Limiter(rpm=10, tpm=600, burst=60).take(601, 0.0)

    assert excess is not None
    assert excess.wait is None


def test_a_short_burst_spreads_the_calls_over_the_minute() -> None:
    limiter = Limiter(rpm=600, tpm=1_000_000, burst=1)

    passed = sum(limiter.take(1, tick / 100) is None for tick in range(6000))

    assert passed == pytest.approx(610, abs=2)


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 500)), max_size=60))
def test_no_window_takes_more_than_the_burst_and_the_rate(calls: list[tuple[float, int]]) -> None:
    limiter = Limiter(rpm=120, tpm=3000, burst=30)
    now, requests, tokens = 0.0, 0, 0
    for pause, size in calls:
        now += pause
        if limiter.take(size, now) is None:
            requests, tokens = requests + 1, tokens + size

    assert requests <= 60 + now * 2 + 1e-6
    assert tokens <= 1500 + now * 50 + 1e-6


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.174, "174ms"), (18.642, "18.642s"), (360, "6m0s"), (61.5, "1m1.5s")]
)
def test_durations_are_written_as_openai_writes_them(seconds: float, text: str) -> None:
    assert shown(seconds) == text


@given(st.floats(0, 100_000))
def test_the_adapter_reads_every_duration_that_we_write(seconds: float) -> None:
    read = duration(shown(seconds))

    assert read is not None
    assert read.total_seconds() == pytest.approx(seconds, abs=0.5)
