import math

import numpy as np
import pytest

from policies.features import (
    Columns,
    LeadFeatures,
    Memo,
    category,
    columns_of,
    is_empty,
    number,
    numbers,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12", 12),
        (" 1,234.5 ", 1234.5),
        ("$10,000", 10_000),
        ("45%", 45),
        ("10,001+", 10_001),
        ("51-200", 125.5),
        ("51 \N{EN DASH} 200", 125.5),
        ("-3", -3),
        ("1e3", 1000),
        (True, 1),
        (7, 7),
    ],
)
def test_numbers_are_read_as_people_write_them(value: str | float, expected: float) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Select",
        "twelve",
        "1,23",
        "12 months",
        "200-51",
        "1e999x",
        "٣",
        None,
        math.nan,
        math.inf,
    ],
)
def test_what_is_no_number_is_nan(value: str | float | None) -> None:
    assert math.isnan(number(value))


@pytest.mark.parametrize("value", ["", "  ", "SELECT", "n/a", "NULL", "None", "?", None, math.nan])
def test_empty_words_say_nothing(value: str | float | None) -> None:
    assert is_empty(value)
    assert category(value) is None


def test_levels_ignore_case_space_and_the_type_of_whole_numbers() -> None:
    assert category("  Working   Professional ") == "working professional"
    assert category(3.0) == category(3) == category("3") == "3"
    assert category(True) == category("TRUE") == category("Yes") == "yes"
    assert category(True) != category(1)


def test_a_column_is_read_like_its_values_one_by_one() -> None:
    column = ["1", "1", None, "x", 2, 2.5, True, "51-200"]

    np.testing.assert_array_equal(numbers(column), [number(value) for value in column])


def test_an_array_keeps_its_numbers_and_loses_its_infinities() -> None:
    np.testing.assert_array_equal(numbers(np.array([1.0, np.inf, np.nan])), [1.0, np.nan, np.nan])


def test_one_and_true_are_remembered_apart() -> None:
    memo = Memo(category)

    assert [memo[value] for value in (1, True, 1.0, "1")] == ["1", "yes", "1", "1"]


def test_each_text_is_read_once() -> None:
    read: list[object] = []
    memo = Memo(lambda value: read.append(value))

    for value in ("a", "b", "a", "a"):
        _ = memo[value]

    assert read == ["a", "b"]


def test_leads_become_columns_that_know_what_was_not_fetched() -> None:
    columns = columns_of(
        [
            LeadFeatures({"a": 1}),
            LeadFeatures({"a": None, "b": "x"}),
            LeadFeatures({"a": 2, "b": "y"}, not_fetched=frozenset({"a"})),
        ]
    )

    assert len(columns) == 3
    assert list(columns.values["b"]) == [None, "x", "y"]
    assert columns.not_fetched["a"].tolist() == [False, False, True]
    assert columns.not_fetched["b"].tolist() == [True, False, False]


def test_no_leads_are_no_columns() -> None:
    assert len(columns_of([])) == len(Columns({})) == 0
