"""Small pages pass over nobody and ask for nobody twice."""

from hypothesis import given
from hypothesis import strategies as st

from agents.vendors.pages import SIZES, place


@given(st.lists(st.integers(1, 150) | st.none(), min_size=1, max_size=30))
def test_each_page_begins_where_the_one_before_ended(wanted: list[int | None]) -> None:
    passed = 0
    for most in wanted:
        at = place("uplead", str(passed) if passed else None, most)
        assert (at.number - 1) * at.size == passed
        assert at.size in SIZES
        assert at.size <= (most or 100)
        passed = at.end


@given(st.integers(0, 99), st.integers(1, 100))
def test_no_page_lies_beyond_the_last_that_the_vendor_shows(hundreds: int, most: int) -> None:
    at = place("zoominfo", str(hundreds * 100), most, last=100)

    assert at.number <= 100
    assert (at.number - 1) * at.size == hundreds * 100
