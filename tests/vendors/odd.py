"""Answers that no vendor should give, and a client that gets them."""

import json
import string
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
from hypothesis import strategies as st

from agents.errors import VendorError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(string.ascii_letters, max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def spoiled(good: Any) -> st.SearchStrategy[Any]:
    """``good`` with any of its parts replaced by anything."""
    if isinstance(good, dict):
        parts: dict[str, st.SearchStrategy[Any]] = {k: spoiled(v) for k, v in good.items()}
        whole: st.SearchStrategy[Any] = st.fixed_dictionaries({}, optional=parts)
    elif isinstance(good, list):
        whole = st.lists(st.one_of([spoiled(item) for item in good]), max_size=3)
    else:
        whole = st.just(good)
    return st.one_of(whole, whole, whole, JSON)


def client(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    """A client whose requests are answered by ``answer``."""
    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


def raw(value: object) -> bytes:
    """JSON, even where it should not be: numbers without end, halves of characters."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def saying(value: object, status: int = 200) -> httpx.AsyncClient:
    """A client that always gets this."""
    return client(lambda _: httpx.Response(status, content=raw(value)))


async def refused_by(calls: Iterable[Awaitable[object]]) -> set[str]:
    """Make the calls, and return which vendors refused any."""
    vendors: set[str] = set()
    for call in calls:
        try:
            await call
        except VendorError as error:
            vendors.add(error.vendor)
    return vendors


def documents(shared: Path) -> list[bytes]:
    """Documents on the edge of JSON, each beside good ones.

    Source: github.com/nst/JSONTestSuite.
    """
    return [path.read_bytes() for path in sorted(shared.glob(_SUITE))]


_SUITE = "corpora/jsontestsuite/test_parsing/*.json"
