"""Pools grow at once and shrink slowly, within their bounds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.scaling import QUIET, Pool, resize

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_backlog_calls_for_all_its_workers_at_once() -> None:
    assert resize(Pool(1, 10, per_worker=50), 230, NOW).size == 5


@pytest.mark.parametrize(("waiting", "size"), [(0, 1), (1, 1), (50, 1), (51, 2), (10**9, 10)])
def test_one_worker_more_for_each_portion_of_messages(waiting: int, size: int) -> None:
    assert resize(Pool(1, 10, per_worker=50), waiting, NOW).size == size


def test_a_pool_shrinks_one_at_a_time_after_each_quiet_while() -> None:
    pool = resize(Pool(1, 10), 500, NOW)
    sizes: list[int] = []
    for seconds in range(0, 601, 10):
        pool = resize(pool, 0, NOW + timedelta(seconds=seconds))
        sizes.append(pool.size)

    assert sizes[: QUIET // timedelta(seconds=10)] == [10] * 6
    assert sizes[::6] == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1]


def test_a_busy_moment_starts_the_quiet_while_anew() -> None:
    pool = resize(Pool(1, 10), 500, NOW)
    pool = resize(pool, 500, NOW + QUIET)
    assert resize(pool, 0, NOW + QUIET * 1.9).size == 10
    assert resize(pool, 0, NOW + QUIET * 2).size == 9


def test_a_role_may_have_no_worker_while_nothing_waits() -> None:
    pool = Pool(0, 3)
    assert resize(pool, 0, NOW).size == 0
    assert resize(pool, 1, NOW).size == 1


def test_new_bounds_hold_at_once() -> None:
    busy = resize(Pool(1, 10), 500, NOW)
    assert resize(Pool(1, 4, size=busy.size, busy_at=NOW), 500, NOW).size == 4
    assert resize(Pool(3, 4, size=1, busy_at=NOW), 0, NOW).size == 3


@given(
    least=st.integers(0, 5),
    more=st.integers(0, 20),
    waits=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 300)), max_size=40),
)
def test_a_pool_stays_within_its_bounds_and_never_drops_by_more_than_one(
    least: int, more: int, waits: list[tuple[int, int]]
) -> None:
    pool, now = resize(Pool(least, least + more), 0, NOW), NOW
    for waiting, seconds in waits:
        now += timedelta(seconds=seconds)
        before, pool = pool.size, resize(pool, waiting, now)
        assert least <= pool.size <= least + more
        assert pool.size >= before - 1
