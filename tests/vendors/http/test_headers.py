"""What vendors say in headers, read without ever trusting it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.vendors.rate_limits import read, read_salesforce
from agents.vendors.refusals import Refusal, words
from agents.vendors.retry_after import LONGEST_WAIT, retry_after
from policies.pacing import Allowance, Window

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DATE = format_datetime(NOON, usegmt=True)
EPOCH = int(NOON.timestamp())
NAMES = [
    f"x-ratelimit-{kind}{suffix}"
    for kind in ("limit", "remaining", "reset")
    for suffix in ("", "-second", "-minute", "-hour", "-day")
]
texts = st.one_of(
    st.text(max_size=30),
    st.integers(-(10**12), 10**12).map(str),
    st.floats(allow_nan=True).map(str),
    st.datetimes().map(lambda moment: format_datetime(moment.replace(tzinfo=UTC), usegmt=True)),
    st.sampled_from(
        ["-1", "", " 7 ", "1e9", "\u0663", "NaN", "Tue, 99 Foo 2026", "0, 5", "\uff11"]
    ),
)
headers = st.dictionaries(
    st.sampled_from([*NAMES, "retry-after", "date", "sforce-limit-info"]), texts
)


@given(headers=headers)
def test_whatever_is_said_is_read_as_a_wait_of_a_day_at_most_or_not_at_all(
    headers: dict[str, str],
) -> None:
    wait = retry_after(headers)
    assert wait is None or timedelta() <= wait <= LONGEST_WAIT
    allowance = read(headers)
    assert timedelta() <= allowance.pause <= DAY
    for window in (*allowance.windows, *read_salesforce(headers).windows):
        assert window.limit is None or window.limit >= 0
        assert window.remaining is None or window.remaining >= 0
        assert window.resets_in is None or timedelta() <= window.resets_in <= LONGEST_WAIT


@given(seconds=st.integers(0, 86_400))
def test_seconds_are_waited_to_the_second(seconds: int) -> None:
    assert retry_after({"retry-after": str(seconds)}) == seconds * SECOND


@given(ahead=st.integers(-100_000, 100_000), skew=st.integers(-(10**6), 10**6))
def test_a_date_is_measured_by_the_vendors_clock_however_wrong_it_is(ahead: int, skew: int) -> None:
    theirs = NOON + skew * SECOND
    said = {
        "retry-after": format_datetime(theirs + ahead * SECOND, usegmt=True),
        "date": format_datetime(theirs, usegmt=True),
    }
    assert retry_after(said) == min(max(ahead, 0) * SECOND, LONGEST_WAIT)


@pytest.mark.parametrize(
    ("said", "windows"),
    [
        ({}, ()),
        ({"x-ratelimit-limit": "none"}, ()),
        (
            {"x-ratelimit-limit": "500", "x-ratelimit-remaining": "480"},
            (Window(MINUTE, 500, 480),),
        ),
        (
            {
                "x-ratelimit-limit": "500",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(EPOCH + 50),
                "date": DATE,
            },
            (Window(MINUTE, 500, 0, 50 * SECOND),),
        ),
        (
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 50)},
            (Window(MINUTE, None, 0),),
        ),
        (
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH - 50), "date": DATE},
            (Window(MINUTE, None, 0, timedelta()),),
        ),
        (
            {
                "x-ratelimit-limit-second": "5",
                "x-ratelimit-remaining-second": "4",
                "x-ratelimit-limit-hour": "-1",
                "x-ratelimit-remaining-hour": "-1",
                "x-ratelimit-limit-day": "129600",
                "x-ratelimit-remaining-day": "-1",
                "x-ratelimit-limit": "5",
                "x-ratelimit-remaining": "4",
            },
            (Window(SECOND, 5, 4), Window(DAY, 129_600, None)),
        ),
    ],
)
def test_the_spellings_of_the_vendors_are_read(
    said: dict[str, str], windows: tuple[Window, ...]
) -> None:
    assert read(said) == Allowance(windows)


@pytest.mark.parametrize(
    ("said", "windows"),
    [
        ("api-usage=18/5000", (Window(DAY, 5000, 4982),)),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=x)", (Window(DAY, 5000, 4975),)),
        ("api-usage=5001/5000", (Window(DAY, 5000, 0),)),
        ("api-usage=x", ()),
        ("", ()),
    ],
)
def test_what_salesforce_says_of_its_day_is_read(said: str, windows: tuple[Window, ...]) -> None:
    assert read_salesforce({"sforce-limit-info": said}) == Allowance(windows)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "errors", "code", "type", "errorCode", "message"]), inner
        )
    ),
    max_leaves=12,
)


@given(document=documents, status=st.integers(100, 599))
def test_only_words_of_code_are_quoted_whatever_shape_an_error_has(
    document: object, status: int
) -> None:
    refusal = Refusal("x", status, {}, b"", "X_KEY")
    refusal.__dict__["document"] = document
    assert len(refusal.codes) <= 4
    assert all(words(code) == [code] for code in refusal.codes)


@pytest.mark.parametrize(
    "text", ["mina@acme.example", "Mina Okafor", "+49 30 123", "x" * 61, "", "a/b", True, None, {}]
)
def test_what_may_be_personal_is_no_word_of_code(text: object) -> None:
    assert words(text) == []


@pytest.mark.parametrize("text", ["PFAPI0011", "rate_limit", 65601, "INVALID_FIELD", "urn:li:x"])
def test_a_code_is_one(text: object) -> None:
    assert words(text) == [str(text)]
