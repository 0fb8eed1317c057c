import pytest

from policies.features import Value
from policies.outcome import TargetError, outcomes


@pytest.mark.parametrize(
    ("yes", "no"),
    [("1", "0"), (1, 0), (True, False), ("yes", "NO"), ("Won", "lost"), ("Closed Won", "n")],
)
def test_yes_and_no_are_read_in_many_words(yes: Value, no: Value) -> None:
    found = outcomes([yes, no])

    assert found.converted.tolist() == [True, False]
    assert found.known.all()


def test_open_leads_are_not_failures() -> None:
    found = outcomes(["yes", "", None, "open", "no"])

    assert found.known.tolist() == [True, False, False, False, True]
    assert found.converted.tolist() == [True, False, False, False, False]


def test_another_column_is_refused_by_what_it_holds() -> None:
    with pytest.raises(TargetError, match=r"it also holds 'a', 'b', 'c', 'd', 'e' and 1 more"):
        outcomes(["yes", "a", "b", "c", "d", "e", "g"])
