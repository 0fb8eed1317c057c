"""What a benchmark prints: figures beside their baseline, a mark for each target."""

import pytest

from scripts.bench.figures import Figure
from scripts.commands.bench import figures_of


@pytest.mark.parametrize(
    ("figure", "ratio", "passed"),
    [
        (Figure("plain", 5.0, "µs"), None, None),
        (Figure("ratio", 50.0, "rows/s", baseline=100.0, target=0.25), 0.5, True),
        (Figure("too little", 10.0, "rows/s", baseline=100.0, target=0.25), 0.1, False),
        (Figure("bound", 30.0, "ms", baseline=20.0, target=2.0, at_most=True), 1.5, True),
        (Figure("too much", 50.0, "ms", baseline=20.0, target=2.0, at_most=True), 2.5, False),
        (Figure("no baseline", 0.4, "%", target=1.0, at_most=True), None, True),
    ],
    ids=lambda value: value.name if isinstance(value, Figure) else "",
)
def test_a_target_is_about_the_ratio_where_there_is_one(
    figure: Figure, ratio: float | None, passed: bool | None
) -> None:
    assert figure.ratio == ratio
    assert figure.passed is passed
    assert figure.as_json()["passed"] is passed


def test_plain_numbers_stand_beside_the_bare_operation() -> None:
    figures = figures_of({"aes_gcm_alone": 1.0, "seal_many": 1.5, "tokens_new": 9.0})

    assert [one.ratio for one in figures] == [None, 1.5, None]
