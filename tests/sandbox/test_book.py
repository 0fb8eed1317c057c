"""The sandbox's account holds every billed call, whatever becomes of the sandbox."""

from pathlib import Path

from scripts.sandbox.book import Book

USAGE = {"prompt_tokens": 100, "cached_tokens": 0, "completion_tokens": 20}


def test_calls_are_counted_in_all_and_by_their_name() -> None:
    book = Book()

    book.bill("a", USAGE, None, 0.0)
    book.bill("a", USAGE, None, 0.0)
    book.bill(None, USAGE, None, 0.0)

    shown = book.shown()
    assert (shown["calls"], shown["prompt_tokens"], shown["completion_tokens"]) == (3, 300, 60)
    assert shown["by_call"]["a"]["calls"] == 2
    assert shown["by_call"][""]["calls"] == 1
    assert "by_call" not in book.shown(each=False)
    book.close()


def test_an_answer_is_found_only_once_it_is_ready() -> None:
    book = Book()
    book.bill("a", USAGE, b'{"n":1}', 10.0)
    book.bill("b", USAGE, b'{"n":2}', 5.0)
    book.bill("a", USAGE, b'{"n":3}', 20.0)

    assert book.kept("a", 9.9) == []
    assert book.kept("a", 10.0) == [b'{"n":1}']
    assert book.kept("a", 30.0) == [b'{"n":1}', b'{"n":3}']
    assert book.all_kept(10.0) == [b'{"n":1}', b'{"n":2}']
    book.bill("c", USAGE, b'{"n":4}', 0.0)
    assert book.kept("c", 0.0) == [b'{"n":4}']
    book.close()


def test_a_restart_and_a_half_written_line_lose_nothing_that_was_billed(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "book.jsonl"
    book = Book(path)
    book.bill("a", USAGE, b'{"n":1}', 0.0)
    book.bill("b", USAGE, None, 0.0)
    before = book.shown()
    with path.open("ab") as file:
        file.write(b'{"call_id":"c","usa')

    again = Book(path)
    assert again.shown() == before
    again.bill("d", USAGE, b'{"n":4}', 0.0)
    assert again.kept("a", 1.0) == [b'{"n":1}']

    third = Book(path)
    assert third.shown()["calls"] == 3
    assert third.kept("d", 1.0) == [b'{"n":4}']
    for one in (book, again, third):
        one.close()


def test_a_reset_forgets_the_file_too(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.jsonl")
    book.bill("a", USAGE, b"{}", 0.0)

    book.reset()
    book.bill("b", USAGE, b'{"n":2}', 0.0)

    assert book.kept("a", 1.0) == []
    assert book.kept("b", 1.0) == [b'{"n":2}']
    again = Book(tmp_path / "book.jsonl")
    assert list(again.shown()["by_call"]) == ["b"]
    book.close()
    again.close()
