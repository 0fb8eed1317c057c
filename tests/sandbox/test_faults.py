"""What is made to go wrong goes wrong as often and as long as it was ordered."""

from random import Random

import pytest

from scripts.sandbox.faults import FaultOrder, Faults


def modes(faults: Faults, calls: int, now: float = 0.0) -> list[str | None]:
    drawn = [faults.draw(now) for _ in range(calls)]
    return [order and order.mode for order in drawn]


def test_a_fault_hits_as_many_calls_as_it_was_ordered_for() -> None:
    faults = Faults(Random(1))
    faults.arm(FaultOrder(mode="500", count=2), 0.0)
    faults.arm(FaultOrder(mode="slow", count=1), 0.0)

    assert modes(faults, 4) == ["500", "500", "slow", None]


def test_a_fault_ends_with_its_time() -> None:
    faults = Faults(Random(1))
    faults.arm(FaultOrder(mode="503", seconds=5), 100.0)

    assert modes(faults, 1, now=104.9) == ["503"]
    assert modes(faults, 1, now=105.0) == [None]


def test_a_share_of_the_calls_is_hit_and_the_seed_says_which() -> None:
    def drawn(seed: int) -> list[str | None]:
        faults = Faults(Random(seed))
        faults.arm(FaultOrder(mode="429", share=0.3), 0.0)
        return modes(faults, 2000)

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert drawn(1).count("429") == pytest.approx(600, abs=80)


def test_clearing_ends_everything_and_what_is_on_is_shown() -> None:
    faults = Faults(Random(1))
    faults.arm(FaultOrder(mode="html", count=3), 0.0)
    faults.draw(0.0)
    assert faults.on()[0]["left"] == 2

    faults.clear()

    assert modes(faults, 1) == [None]


def test_an_order_is_read_as_a_command_line_has_it() -> None:
    assert FaultOrder.written("429:0.1") == FaultOrder(mode="429", share=0.1)
    assert FaultOrder.written("slow") == FaultOrder(mode="slow")
    for wrong in ("429:often", "429:1.5"):
        with pytest.raises(ValueError, match=r"."):
            FaultOrder.written(wrong)
