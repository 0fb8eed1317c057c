"""The book of credits, the limits and the front that all lead sources share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from scripts.sandbox.common import (
    COMMON_MODES,
    DONE,
    LOGGED,
    BaseConditions,
    CreditBook,
    Front,
    RequestLog,
    Window,
    Words,
)
from scripts.sandbox.faults import FaultOrder, Faults
from scripts.sandbox.server import Answer, Call, Handler


def test_a_record_is_billed_the_first_time_only() -> None:
    book = CreditBook()

    assert book.bill(["a", "b", "a"]) == ["a", "b"]
    assert book.bill(["b", "c"]) == ["c"]
    assert book.bill([]) == []

    assert (book.credits, book.by_record) == (3, {"a": 1, "b": 1, "c": 1})
    assert book.new(["c", "d", "d"]) == ["d"]


def test_questions_and_those_about_nobody_are_counted() -> None:
    book = CreditBook()

    book.ask("page 1")
    book.ask("page 1", nulls=2)

    shown = book.shown()
    assert shown["pages"] == {"page 1": 2}
    assert shown["null_results"] == 2
    assert set(book.shown(each=False)) == {"requests", "throttled", "credits", "null_results"}


def test_a_book_survives_a_half_written_line(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "book.jsonl"
    book = CreditBook(path)
    book.bill(["a", "b"])
    book.ask("page 1", nulls=1)
    book.write({"at": 1.0, "operation": "search", "status": 429})
    before = book.shown()
    book.close()
    with path.open("ab") as file:
        file.write(b'{"billed":["c"')

    again = CreditBook(path)
    assert again.shown() == before
    again.bill(["d"])
    again.close()
    last = CreditBook(path)
    assert last.by_record == {"a": 1, "b": 1, "d": 1}
    last.reset()
    last.close()
    empty = CreditBook(path)
    assert empty.shown()["credits"] == 0
    empty.close()


def test_the_log_is_bounded_and_the_counts_are_not() -> None:
    log = RequestLog()

    for number in range(LOGGED + 5):
        log.write({"at": float(number), "operation": "search", "status": 200})

    assert log.requests == LOGGED + 5
    assert len(log.log) == LOGGED
    assert log.log[0]["at"] == 5.0


def test_a_window_fills_and_is_empty_again_with_the_clock() -> None:
    window = Window(2, 60)

    assert [window.take(125.0), window.take(130.0)] == [None, None]
    assert window.take(131.0) == pytest.approx(49.0)
    assert (window.left(131.0), window.ends(131.0)) == (0, 180.0)
    assert window.take(180.0) is None
    assert window.left(180.0) == 1


@dataclass
class Bench:
    """A front with a clock of ours."""

    handler: Handler
    faults: Faults
    log: RequestLog
    worked: list[str]

    def ask(self, order: FaultOrder | None = None) -> Answer:
        if order is not None:
            self.faults.arm(order, 0.0)
        return self.handler(Call("GET", "/", {}, [], {}, b""))


@pytest.fixture
def bench() -> Bench:
    worked: list[str] = []

    def work(_: Call, fault: str) -> Answer:
        worked.append(fault)
        return Answer(200, b'{"well": true}')

    def too_fast(header: str | None) -> Answer:
        return Answer(429, b"{}", {"Retry-After": header} if header else {})

    faults = Faults(Random(0), once={"own"})
    log = RequestLog()
    clock: Callable[[], float] = lambda: 0.0  # noqa: E731
    front = Front(
        faults,
        log,
        Words(too_fast, Answer),
        lambda: BaseConditions(latency=0.5),
        Random(0),
        clock,
        lambda: 1_000.25,
    )
    return Bench(front.faulty("search", work), faults, log, worked)


def test_an_answer_takes_its_time_and_is_logged(bench: Bench) -> None:
    assert bench.ask().wait == 0.5

    assert list(bench.log.log) == [{"at": 1_000.25, "operation": "search", "status": 200}]
    assert bench.worked == [""]


@pytest.mark.parametrize("mode", sorted(COMMON_MODES))
def test_work_is_done_under_those_faults_only_that_say_so(bench: Bench, mode: str) -> None:
    bench.ask(FaultOrder(mode=mode))

    assert (bench.worked == [""]) is (mode in DONE)
    assert bench.log.log[0]["fault"] == mode


@pytest.mark.parametrize(("mode", "seconds"), [("429", 3.0), ("429_date", 3.75)])
def test_the_log_tells_how_long_the_caller_was_asked_to_wait(
    bench: Bench, mode: str, seconds: float
) -> None:
    answer = bench.ask(FaultOrder(mode=mode, retry_after=3.0))

    assert answer.status == 429
    assert bench.log.log[0]["retry_after"] == seconds
    assert bench.log.throttled == 1


def test_no_answer_is_logged_as_none(bench: Bench) -> None:
    answer = bench.ask(FaultOrder(mode="act_then_timeout", delay=7.0))

    assert (answer.wait, answer.dropped) == (7.5, True)
    assert bench.log.log[0]["status"] == 0


def test_a_fault_of_the_vendors_own_reaches_its_handler_once(bench: Bench) -> None:
    bench.ask(FaultOrder(mode="own"))
    bench.ask()

    assert bench.worked == ["own", ""]


def test_a_fault_may_be_ordered_for_one_operation(bench: Bench) -> None:
    assert bench.ask(FaultOrder(mode="500", operation="enrich")).status == 200
    assert bench.ask(FaultOrder(mode="503", operation="search")).status == 503


def test_fetching_a_token_fails_only_where_the_order_says_so() -> None:
    faults = Faults(Random(0), of_token={"client_invalid"})
    faults.arm(FaultOrder(mode="500"), 0.0)
    faults.arm(FaultOrder(mode="client_invalid"), 0.0)

    drawn = faults.draw(0.0, "token"), faults.draw(0.0, "search")

    assert [order and order.mode for order in drawn] == ["client_invalid", "500"]
