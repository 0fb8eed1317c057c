"""Costs are whole micro-dollars, rounded up, and never above what was reserved for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.llm import Usage
from policies.llm_prices import DEAREST, PRICES, price, rated_tokens, token_price, worst_case

MODELS = st.sampled_from([*PRICES, "gpt-9-unknown"])
TOKENS = st.integers(0, 200_000)


@pytest.mark.parametrize(
    ("model", "usage", "micro"),
    [
        ("gpt-4.1-mini", Usage(1000, 0, 100), 560),
        ("gpt-4.1-mini", Usage(1000, 1000, 0), 100),
        ("gpt-4.1-mini", Usage(1, 0, 0), 1),
        ("gpt-4o", Usage(1_000_000, 0, 1_000_000), 12_500_000),
        ("gpt-6-luna", Usage(3, 2, 1), 1),
        ("gpt-4", Usage(), 0),
    ],
)
def test_a_call_costs_what_the_price_list_says(model: str, usage: Usage, micro: int) -> None:
    assert price(model, usage) == micro


def test_a_snapshot_costs_what_its_model_costs_and_an_unknown_model_the_most() -> None:
    assert token_price("gpt-4.1-mini-2025-04-14") == PRICES["gpt-4.1-mini"]
    assert token_price("gpt-4o-2024-08-06") == PRICES["gpt-4o"]
    for unknown in ("gpt-7", "", "gpt-4.1-minimal", "gpt-4.1-mini-2025"):
        assert token_price(unknown) == DEAREST
    assert PRICES["gpt-4"] == DEAREST


@given(MODELS, TOKENS, TOKENS, TOKENS)
def test_more_tokens_never_cost_less_and_cached_ones_never_more(
    model: str, prompt: int, cached: int, completion: int
) -> None:
    cached = min(cached, prompt)
    cost = price(model, Usage(prompt, cached, completion))

    assert 0 <= cost <= price(model, Usage(prompt, 0, completion))
    assert cost <= price(model, Usage(prompt + 1, cached, completion + 1))


@given(MODELS, st.text(max_size=300), st.integers(1, 2000), st.data())
def test_a_call_never_costs_more_than_was_reserved(
    model: str, text: str, longest: int, data: st.DataObject
) -> None:
    size = len(text.encode())
    reserved = worst_case(model, size, longest)
    prompt = data.draw(st.integers(0, size + 64))
    usage = Usage(prompt, data.draw(st.integers(0, prompt)), data.draw(st.integers(0, longest)))

    assert usage.total <= reserved.tokens
    assert price(model, usage) <= reserved.cost


@given(st.integers(0, 100_000), st.integers(1, 5000))
def test_the_limiter_counts_a_quarter_of_the_bytes_and_the_whole_answer(
    size: int, longest: int
) -> None:
    rated = rated_tokens(size, longest)

    assert size / 4 + longest <= rated < size / 4 + longest + 1
    assert rated <= worst_case("gpt-4.1", size, longest).tokens
