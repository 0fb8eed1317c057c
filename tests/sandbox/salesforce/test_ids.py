import pytest

from scripts.sandbox.salesforce.ids import IdMaker, made, to18, whole


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("00Q8d0000000001", "00Q8d0000000001EAA"),
        ("0015Y00002b7QZa", "0015Y00002b7QZaQAM"),
        ("00D300000000abc", "00D300000000abcEAA"),
        ("ABCDEabcdeABCDE", "ABCDEabcdeABCDE5A5"),
    ],
)
def test_the_suffix_says_which_letters_are_capitals(short: str, full: str) -> None:
    assert to18(short) == full
    assert whole(short) == full
    assert whole(full) == full


@pytest.mark.parametrize(
    "given", ["", "00Q", "00Q8d0000000001EAB", "00Q8d0000000001E", "00Q8d000000000!", "x" * 18]
)
def test_what_is_no_id_is_found_out(given: str) -> None:
    assert whole(given) is None


def test_ids_are_never_given_twice_and_say_what_they_are_of() -> None:
    ids = IdMaker()
    leads = [ids.new("Lead") for _ in range(1000)]
    assert len(set(leads)) == 1000
    assert {one[:3] for one in leads} == {"00Q"}
    assert ids.new("Contact").startswith("003")
    assert all(whole(one) == one for one in leads)
    assert made("Lead", 5) == made("Lead", 5)
