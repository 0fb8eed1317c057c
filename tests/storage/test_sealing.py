# ruff: noqa: RUF001 (names are written as people write them)
import hashlib
import hmac
import os
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.sealing import Sealer, SealError

OLD, NEW, INDEX = os.urandom(32), os.urandom(32), os.urandom(32)
SEALER = Sealer({1: OLD}, 1, INDEX)
ROTATED = Sealer({1: OLD, 2: NEW}, 2, INDEX)
STRANGER = Sealer({1: OLD}, 1, os.urandom(32))
COLUMN = "leads.email"
ROW = UUID("0190e7d0-0000-7000-8000-000000000001")
ADDRESS = "jörg.müller@example.com"

NAMES = [
    ("Anne-Marie", "O'Brien"),
    ("Łukasz", "Żółć"),
    ("José María", "Núñez de la Peña"),
    ("Bartholomew", "Featherstonehaugh"),
    ("Στέλιος", "Παπαδόπουλος"),
    ("İbrahim", "Çağlayangil"),
    ("伟", "王"),
    ("민준", "김"),
    ("علی‌رضا", "رضایی"),
    ("J", "Weiß"),
]
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(text=texts, row=st.uuids(), column=st.sampled_from([COLUMN, "leads.phone"]))
def test_what_is_sealed_opens_as_it_was(text: str, row: UUID, column: str) -> None:
    assert SEALER.open(column, row, SEALER.seal(column, row, text)) == text


@given(sealed=st.lists(st.tuples(st.uuids(), st.none() | texts)))
def test_many_are_sealed_as_one_is(sealed: list[tuple[UUID, str | None]]) -> None:
    rows, values = [row for row, _ in sealed], [text for _, text in sealed]

    blobs = SEALER.seal_many(COLUMN, rows, values)

    opened = [SEALER.open(COLUMN, row, blob) for row, blob in zip(rows, blobs, strict=True)]
    assert opened == values


def test_nothing_is_sealed_opened_and_blinded_as_nothing() -> None:
    assert SEALER.seal(COLUMN, ROW, None) is None
    assert SEALER.open(COLUMN, ROW, None) is None
    assert SEALER.blind("email", None) is None
    assert SEALER.name_tokens(None, None) == []


def test_a_batch_needs_a_text_for_every_row() -> None:
    with pytest.raises(ValueError, match="shorter"):
        SEALER.seal_many(COLUMN, [ROW, ROW], [ADDRESS])


def test_a_sealed_value_shows_its_key_and_its_length_and_nothing_else() -> None:
    blob = SEALER.seal(COLUMN, ROW, ADDRESS)

    assert blob[:3] == SEALER.header == b"\x01\x00\x01"
    assert len(blob) == len(ADDRESS.encode()) + 31
    assert not any(part.encode() in blob for part in ("jörg", "müller", "example"))


def test_a_value_sealed_by_the_first_release_still_opens() -> None:
    kept = bytes.fromhex(
        "010007036ede48c34bbce08fca6cba05ea8509a5c632c9ada9bd3307"
        "16ebb7095c87d4e6515f260fdcf81adfe86806902a0648c9a8b4aafa"
    )

    assert Sealer({7: bytes(range(32))}, 7, INDEX).open(COLUMN, ROW, kept) == ADDRESS


def test_no_two_sealed_values_share_a_nonce() -> None:
    rows = [uuid4() for _ in range(1000)]
    blobs = SEALER.seal_many(COLUMN, rows, [ADDRESS] * 999 + [None])
    blobs.append(SEALER.seal(COLUMN, ROW, ADDRESS))

    assert len({blob[3:15] for blob in blobs if blob}) == 1000


@pytest.mark.parametrize(
    ("column", "row"),
    [("leads.phone", ROW), ("companies.email", ROW), (COLUMN, UUID(int=ROW.int + 1))],
)
def test_a_value_moved_elsewhere_does_not_open(column: str, row: UUID) -> None:
    blob = SEALER.seal(COLUMN, ROW, ADDRESS)

    with pytest.raises(SealError, match="moved here") as refusal:
        SEALER.open(column, row, blob)
    assert column in str(refusal.value)
    assert str(row) in str(refusal.value)


def test_a_value_altered_in_any_bit_does_not_open() -> None:
    blob = SEALER.seal(COLUMN, ROW, ADDRESS)

    for bit in range(8 * len(blob)):
        altered = bytearray(blob)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealError):
            ROTATED.open(COLUMN, ROW, bytes(altered))


def test_a_value_cut_short_does_not_open() -> None:
    blob = SEALER.seal(COLUMN, ROW, ADDRESS)

    for length in range(len(blob)):
        with pytest.raises(SealError):
            SEALER.open(COLUMN, ROW, blob[:length])


def test_a_data_key_that_is_not_held_is_named() -> None:
    with pytest.raises(SealError, match="No data key 2 for format 01"):
        SEALER.open(COLUMN, ROW, ROTATED.seal(COLUMN, ROW, ADDRESS))


def test_a_sealer_without_its_current_key_is_refused() -> None:
    with pytest.raises(SealError, match="No data key 2"):
        Sealer({1: OLD}, 2, INDEX)


def test_rotation_opens_old_values_and_reseals_them_under_the_new_key() -> None:
    old = SEALER.seal(COLUMN, ROW, ADDRESS)
    assert ROTATED.needs_reseal(old)

    new = ROTATED.reseal(COLUMN, ROW, old)

    assert not ROTATED.needs_reseal(new)
    assert Sealer({2: NEW}, 2, INDEX).open(COLUMN, ROW, new) == ADDRESS
    assert ROTATED.open(COLUMN, ROW, old) == ADDRESS


def derived(key: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 of RFC 5869 for 32 bytes, without salt, written out."""
    extracted = hmac.digest(bytes(32), key, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def test_stored_indexes_are_keyed_blake2_under_keys_of_their_own() -> None:
    blind_key = derived(INDEX, b"lead-engine blind email")
    token_key = derived(INDEX, b"lead-engine name tokens")
    blind = hashlib.blake2b(ADDRESS.encode(), key=blind_key, digest_size=16).digest()
    token = hashlib.blake2b(b"smi", key=token_key, digest_size=8).digest()

    assert SEALER.blind("email", ADDRESS) == blind
    assert int.from_bytes(token, signed=True) in SEALER.name_tokens("Jo", "Smith")


def test_a_blind_index_outlives_the_rotation_of_data_keys() -> None:
    assert ROTATED.blind("email", ADDRESS) == SEALER.blind("email", ADDRESS)


def test_blinding_many_is_blinding_each() -> None:
    values = [ADDRESS, None, "", ADDRESS]

    assert SEALER.blind_many("email", values) == [SEALER.blind("email", v) for v in values]


def test_a_blind_index_depends_on_the_value_the_field_and_the_index_key() -> None:
    blinds = {
        SEALER.blind("email", ADDRESS),
        SEALER.blind("email", ADDRESS + "."),
        SEALER.blind("phone", ADDRESS),
        STRANGER.blind("email", ADDRESS),
    }

    assert len(blinds) == 4
    assert {len(blind) for blind in blinds} == {16}


def finds(text: str, first: str | None, last: str | None) -> bool:
    return set(SEALER.name_query(text)) <= set(SEALER.name_tokens(first, last))


@pytest.mark.parametrize(("first", "last"), NAMES)
def test_a_name_is_found_while_it_is_being_typed(first: str, last: str) -> None:
    for whole in (f"{first} {last}", f"{last} {first}", f"{last}, {first}"):
        for typed in range(len(whole) + 1):
            assert finds(whole[:typed], first, last)


@given(first=texts, last=texts, cut=st.integers(0, 40))
def test_no_beginning_of_any_name_is_missed(first: str, last: str, cut: int) -> None:
    assert finds(f"{first} {last}"[:cut], first, last)
    assert finds(last[:cut], first, last)


@given(words=st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=2), min_size=1), at=st.data())
def test_every_prefix_of_every_word_is_found_by_one_token(
    words: list[str], at: st.DataObject
) -> None:
    word = at.draw(st.sampled_from(words))
    prefix = word[: at.draw(st.integers(2, len(word)))]

    assert len(SEALER.name_query(prefix)) == 1
    assert finds(prefix, " ".join(words), None)


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("NUNEZ jose", "José", "Núñez"),
        ("Núñez", "jose", "nunez"),
        ("lukasz", "Łukasz", "Nowak"),
        ("obrien", "Pat", "O’Brien"),
        ("o´brien", "Pat", "O'Brien"),
        ("weiss", "Anna", "Weiß"),
        ("WEISS", "Anna", "weiß"),
        ("ibrahim", "İbrahim", "Kaya"),
        ("isik", "Işık", "Kaya"),
        ("soren", "Søren", "Ærø"),
        ("ＭＡＲＹ", "Mary", "Lee"),
        ("ΠΑΠΑΔΟΠΟΥΛΟΣ", "Στέλιος", "Παπαδόπουλος"),
        ("luc", "Jean-Luc", "Picard"),
        ("علیرضا", "علی‌رضا", None),
        ("J Smith", "John", "Smith"),
        ("王", "伟", "王"),
    ],
)
def test_case_accents_apostrophes_and_order_do_not_hide_a_name(
    typed: str, first: str, last: str | None
) -> None:
    assert SEALER.name_query(typed)
    assert finds(typed, first, last)


@pytest.mark.parametrize("typed", ["jan", "smith jane", "ith", "smithe", "johnny"])
def test_another_name_is_not_found(typed: str) -> None:
    assert not finds(typed, "John", "Smith")


@pytest.mark.parametrize("typed", ["", " ", "-", "j", "J."])
def test_too_little_text_narrows_nothing(typed: str) -> None:
    assert SEALER.name_query(typed) == []


def test_tokens_are_distinct_sorted_bigints() -> None:
    tokens = SEALER.name_tokens("Bartholomew", "Bartholomew-Smith")

    assert tokens == sorted(set(tokens))
    assert len(tokens) == 9 + 4
    assert all(-(2**63) <= token < 2**63 for token in tokens)


def test_tokens_of_another_index_key_have_nothing_in_common() -> None:
    ours = {token for first, last in NAMES for token in SEALER.name_tokens(first, last)}
    theirs = {token for first, last in NAMES for token in STRANGER.name_tokens(first, last)}

    assert ours.isdisjoint(theirs)
    assert ours == {token for first, last in NAMES for token in ROTATED.name_tokens(first, last)}


def test_a_token_is_not_the_head_of_a_blind_index() -> None:
    (token,) = SEALER.name_query("smith")

    for field in ("email", "phone", "name tokens"):
        blind = SEALER.blind(field, "smith")
        assert token.to_bytes(8, signed=True) not in blind


def test_a_lead_is_found_by_words_of_its_person_and_of_what_is_kept_in_clear() -> None:
    tokens = set(SEALER.search_tokens("Jörg", "Weiß", "Smith & Sons", "Head of Sales"))

    for typed in ("jor weiss", "smith sales", "WEISS sons hea", ""):
        assert all(tokens & {*pair} for pair in SEALER.search_query(typed)), typed
    assert not all(tokens & {*pair} for pair in SEALER.search_query("jörg meyer"))


def test_the_token_of_a_word_kept_in_clear_does_not_tell_that_of_the_same_name() -> None:
    ((name, clear),) = SEALER.search_query("smith")

    assert name in SEALER.search_tokens("Smith", None, "", "")
    assert clear in SEALER.search_tokens(None, None, "Smith", "")
    assert {name} == {*SEALER.name_query("smith")}
    assert clear not in SEALER.search_tokens("Smith", None, "", "")
