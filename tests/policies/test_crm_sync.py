"""Rules of the sync: what becomes of a refused record, what may be spent, what differs."""

from datetime import timedelta
from typing import Any

import pytest

from policies.crm_records import ApiUsage, RowError
from policies.crm_sync import (
    DuplicateRule,
    Patience,
    Spending,
    Verdict,
    differs,
    poll_after,
    record_hash,
    retry_after,
    rule,
    spending,
    told,
)
from tests.scripted import START

KEY = "LeadEngine_Id__c"
A, B = "00Q000000000001AAA", "00Q000000000002AAA"


def verdict(error: RowError, failed: int = 0, **more: Any) -> Verdict:
    options: dict[str, Any] = {"duplicates": "merge", "external_field": KEY} | more
    return rule([error], failed=failed, **options).verdict


@pytest.mark.parametrize(
    ("code", "failed", "expected"),
    [
        ("UNABLE_TO_LOCK_ROW", 0, Verdict.RETRY),
        ("UNABLE_TO_LOCK_ROW", 10, Verdict.RETRY),
        ("UNABLE_TO_LOCK_ROW", 11, Verdict.QUARANTINE),
        ("SERVER_UNAVAILABLE", 2, Verdict.RETRY),
        ("SOMETHING_NEW", 1, Verdict.RETRY),
        ("SOMETHING_NEW", 2, Verdict.QUARANTINE),
        ("REQUIRED_FIELD_MISSING", 0, Verdict.QUARANTINE),
        ("DUPLICATE_EXTERNAL_ID", 0, Verdict.QUARANTINE),
        ("ENTITY_IS_DELETED", 0, Verdict.GONE),
        ("CANNOT_UPDATE_CONVERTED_LEAD", 0, Verdict.CONVERTED),
        ("INVALID_FIELD", 99, Verdict.SETUP),
    ],
)
def test_what_becomes_of_a_refused_record(code: str, failed: int, expected: Verdict) -> None:
    assert verdict(RowError(code), failed) is expected


@pytest.mark.parametrize(
    ("duplicates", "bulk", "matches", "expected"),
    [
        ("merge", False, (A,), Verdict.MERGE),
        ("merge", False, (A, B), Verdict.QUARANTINE),
        ("merge", False, (), Verdict.QUARANTINE),
        ("merge", True, (), Verdict.ONE_BY_ONE),
        ("save_anyway", True, (), Verdict.ONE_BY_ONE),
        ("save_anyway", False, (A,), Verdict.QUARANTINE),
        ("quarantine", True, (), Verdict.QUARANTINE),
        ("quarantine", False, (A,), Verdict.QUARANTINE),
    ],
)
def test_duplicates_are_dealt_with_by_rule(
    duplicates: DuplicateRule, bulk: bool, matches: tuple[str, ...], expected: Verdict
) -> None:
    error = RowError("DUPLICATES_DETECTED", "Use one of these?", (), matches)
    assert verdict(error, duplicates=duplicates, bulk=bulk) is expected


def test_two_calls_that_create_a_record_at_once_are_no_fault_of_it() -> None:
    message = f"duplicate value found: {KEY} duplicates value on record with id: {A}"
    assert verdict(RowError("DUPLICATE_VALUE", message)) is Verdict.RETRY
    other = RowError("DUPLICATE_VALUE", "duplicate value found: Tax_Id__c")
    assert verdict(other) is Verdict.QUARANTINE


def test_of_several_errors_the_one_that_stays_decides() -> None:
    errors = [RowError("UNABLE_TO_LOCK_ROW"), RowError("STRING_TOO_LONG")]
    ruling = rule(errors, failed=0, duplicates="merge", external_field=KEY, patience=Patience())
    assert (ruling.verdict, ruling.error.code) == (Verdict.QUARANTINE, "STRING_TOO_LONG")


def test_waits_grow_and_end() -> None:
    assert [retry_after(n, 1.0).total_seconds() for n in (1, 2, 20)] == [8, 16, 900]
    assert retry_after(1, 0.0) == timedelta(seconds=5)
    assert [poll_after(n).total_seconds() for n in (0, 1, 2, 50)] == [10, 20, 40, 300]


@pytest.mark.parametrize(
    ("used", "expected"),
    [(0, Spending.FREE), (80, Spending.FREE), (81, Spending.SPARING), (95, Spending.SPARING),
     (96, Spending.NOTHING), (120, Spending.NOTHING)],
)  # fmt: skip
def test_the_last_part_of_the_days_calls_is_for_others(used: int, expected: Spending) -> None:
    usage = ApiUsage(used, 100)
    assert spending(usage, START, reserve=0.2, now=START) is expected
    late = START + timedelta(minutes=16)
    assert spending(usage, START, reserve=0.2, now=late) is Spending.FREE, "nobody knows by then"
    assert spending(None, None, reserve=0.2, now=START) is Spending.FREE


def test_a_record_is_told_by_its_content_alone() -> None:
    assert record_hash({"a": 1, "b": "x"}) == record_hash({"b": "x", "a": 1})
    assert record_hash({"a": None}) != record_hash({})
    assert record_hash({"a": 1}) != record_hash({"a": 2})


def test_the_crms_words_are_told_without_the_person() -> None:
    error = RowError("INVALID_EMAIL_ADDRESS", "Email: invalid email address: ada@@x of Ada Byron")
    words = told(error, ("Ada", "Byron", "ada@@x", None))
    assert words.startswith("Email: invalid email address:")
    assert "Byron" not in words
    assert "ada@@x" not in words.lower()


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("Acme ", "Acme", False),
        ("a\r\nb", "a\nb", False),
        (80, 80.0, False),
        ("80", 80.0, False),
        ("", None, False),
        (None, None, False),
        (False, None, False),
        ("2026-11-24T09:00:00+01:00", "2026-11-24T08:00:00.000+0000", False),
        ("Ada@Example.com", "ada@example.com", False),
        ({"LeadEngine_Id__c": "x"}, None, False),
        ("Acme", "Acme Inc", True),
        (80, 81, True),
        ("x", 81.0, True),
        (True, False, True),
        ("2026-11-24T09:00:00Z", "2026-11-24T08:00:00.000+0000", True),
        (None, "x", True),
    ],
)
def test_what_differs(ours: Any, theirs: Any, expected: bool) -> None:
    assert differs(ours, theirs) is expected
