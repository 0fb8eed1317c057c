import numpy as np

from agents.training.bins import plan
from policies.binned import CategoricalFeature, NumericFeature
from policies.features import Column, Columns


def _plan(column: Column, **others: Column) -> object:
    found = plan(Columns({"it": column, **others}))
    return next((f for f in found.features if f.name == "it"), found.dropped.get("it"))


def test_numbers_get_bins_of_equal_weight_within_what_was_seen() -> None:
    found = _plan(np.arange(1_000) / 7)

    assert isinstance(found, NumericFeature)
    assert found.edges[0] == 0
    assert found.code(-1) == 2
    assert found.code(1e9) == len(found.edges) + 2
    counts = np.bincount(found.codes(np.arange(1_000) / 7))[3:]
    assert counts.max() - counts[counts > 0].min() <= 2


def test_many_numbers_get_finer_bins() -> None:
    few, many = _plan(np.arange(500) / 7), _plan(np.arange(5_000) / 7)

    assert isinstance(few, NumericFeature)
    assert isinstance(many, NumericFeature)
    assert len(many.edges) > len(few.edges)


def test_levels_keep_the_frequent_and_join_the_rare() -> None:
    found = _plan(["Berlin"] * 60 + ["berlin "] * 20 + ["Rome"] * 30 + ["Oslo", "Bern"] * 3)

    assert isinstance(found, CategoricalFeature)
    assert found.levels == ("berlin", "rome")


def test_numbers_with_a_few_words_among_them_are_levels() -> None:
    column = [str(i % 7) for i in range(90)] + ["unknown number"] * 10

    assert isinstance(_plan(column), CategoricalFeature)


def test_numbers_with_empty_words_are_numbers() -> None:
    assert isinstance(_plan([str(i % 7) for i in range(90)] + ["n/a"] * 10), NumericFeature)


def test_what_cannot_be_a_feature_is_dropped_with_the_reason() -> None:
    assert _plan(["", "Select"] * 50) == "always empty"
    assert _plan(["No"] * 100) == "constant"
    assert _plan(["No"] * 999 + ["Yes"]) == "constant but for a few leads"
    assert str(_plan([f"id-{i}" for i in range(100)])).startswith("an identifier or free text")
    assert str(_plan(np.arange(100.0))).startswith("an identifier")


def test_a_mark_that_is_set_or_empty_is_a_feature() -> None:
    assert isinstance(_plan(["x"] * 50 + [""] * 50), CategoricalFeature)


def test_one_and_true_stay_apart_in_one_column() -> None:
    found = _plan([True] * 40 + [1] * 40 + ["maybe"] * 40)

    assert isinstance(found, CategoricalFeature)
    assert set(found.levels) == {"yes", "1", "maybe"}


def test_only_fetched_rows_make_bins() -> None:
    mask = np.arange(200) < 100
    columns = Columns({"it": [999.0] * 100 + (np.arange(100) / 7).tolist()}, {"it": mask})

    found = plan(columns).features[0]

    assert isinstance(found, NumericFeature)
    assert found.edges[-1] < 15


def test_excluded_columns_are_dropped() -> None:
    found = plan(Columns({"a": [1.5, 2, 3] * 20, "b": ["x", "y", "z"] * 20}), exclude=["a"])

    assert dict(found.dropped) == {"a": "excluded by you"}
    assert [feature.name for feature in found.features] == ["b"]
