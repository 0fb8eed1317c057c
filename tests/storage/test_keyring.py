import json
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from storage.keyring import KeyRing, KeyRingError

RING = KeyRing.generate()


def edited(**changes: object) -> str:
    return json.dumps(json.loads(RING.dump()) | changes)


def secrets_of(ring: KeyRing) -> list[str]:
    kept = json.loads(ring.dump())
    return [*kept["masters"].values(), kept["index_key"]]


def test_a_ring_reads_back_what_it_wrote() -> None:
    assert KeyRing.parse(RING.dump()) == RING


def test_every_ring_has_keys_of_its_own() -> None:
    other = KeyRing.generate()

    assert len({*secrets_of(RING), *secrets_of(other)}) == 4


def test_a_ring_shows_no_key_when_printed() -> None:
    shown = f"{RING!r} {RING} {RING.new_data_key(1)!r}"

    assert RING.current in shown
    for key in (RING.index_key, *RING.masters.values()):
        assert repr(key)[2:-1] not in shown
    assert not any(secret in shown for secret in secrets_of(RING))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Invalid JSON"),
        ("[]", "object"),
        ("{}", "masters: Field required"),
        (edited(current="lost"), "`current` must name one of `masters`"),
        (edited(index_key="c2hvcnQ="), "index_key: needs 32 bytes in base64, as `openssl rand"),
        (edited(index_key=7), "index_key: needs 32 bytes in base64"),
        (edited(masters={"a": "not base64!"}), "masters.a: "),
        (edited(colour="red"), "colour: Extra inputs are not permitted"),
    ],
)
def test_an_unusable_ring_is_refused_with_what_to_do(text: str, says: str) -> None:
    with pytest.raises(KeyRingError) as refusal:
        KeyRing.parse(text)

    assert says in str(refusal.value)
    assert "Restore it from its backup" in str(refusal.value)
    assert not any(secret in str(refusal.value) for secret in secrets_of(RING))


def test_a_data_key_unwraps_to_the_same_key_in_every_process() -> None:
    key = RING.new_data_key(1)

    assert (key.id, key.master_id) == (1, RING.current)
    assert len(RING.unwrap(key)) == 32
    assert KeyRing.parse(RING.dump()).unwrap(key) == RING.unwrap(key)
    assert RING.unwrap(key) not in key.wrapped


@pytest.mark.parametrize("key_id", [0, -1, 2**15])
def test_a_data_keys_id_must_fit_its_column(key_id: int) -> None:
    with pytest.raises(ValueError, match="1 to 32767"):
        RING.new_data_key(key_id)


def test_rotation_rewraps_the_same_data_key_under_the_new_master() -> None:
    key = RING.new_data_key(1)
    rotated = RING.with_new_master("2027")

    rewrapped = rotated.rewrap(key)

    assert rewrapped.master_id == "2027"
    assert rotated.unwrap(rewrapped) == rotated.unwrap(key) == RING.unwrap(key)
    assert rotated.index_key == RING.index_key
    assert RING.current != "2027"


def test_after_rewrapping_the_old_master_may_go() -> None:
    rotated = RING.with_new_master("2027")
    rewrapped = rotated.rewrap(RING.new_data_key(1))
    kept = json.loads(rotated.dump())
    del kept["masters"][RING.current]

    assert KeyRing.parse(json.dumps(kept)).unwrap(rewrapped) == rotated.unwrap(rewrapped)


def test_a_new_master_never_replaces_an_old_one() -> None:
    with pytest.raises(KeyRingError, match="choose another id"):
        RING.with_new_master(RING.current)


def test_a_missing_master_key_is_named() -> None:
    rewrapped = RING.with_new_master("2027").rewrap(RING.new_data_key(3))

    with pytest.raises(KeyRingError, match="Data key 3 is wrapped under '2027', which the key"):
        RING.unwrap(rewrapped)


def test_the_ring_of_another_database_is_recognised() -> None:
    with pytest.raises(KeyRingError, match="filled with another key ring"):
        KeyRing.generate().unwrap(RING.new_data_key(1))


def test_an_altered_data_key_does_not_unwrap() -> None:
    key = RING.new_data_key(1)
    flipped = bytes([key.wrapped[20] ^ 1])

    for altered in (
        replace(key, id=2),
        replace(key, wrapped=key.wrapped[:20] + flipped + key.wrapped[21:]),
        replace(key, wrapped=key.wrapped[:-1]),
        replace(key, wrapped=b""),
    ):
        with pytest.raises(KeyRingError, match="does not unwrap"):
            RING.unwrap(altered)


def test_the_first_start_makes_a_ring_and_the_next_finds_it(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"

    made = KeyRing.at(path)

    assert KeyRing.at(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_rotated_ring_replaces_its_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    rotated = KeyRing.at(path).with_new_master("2027")

    rotated.save(path)

    assert KeyRing.at(path) == rotated
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_start_together_agree_on_one_ring(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    together = Barrier(8)

    def start(_: int) -> KeyRing:
        together.wait()
        return KeyRing.at(path)

    with ThreadPoolExecutor(8) as starts:
        rings = list(starts.map(start, range(8)))

    assert all(ring == rings[0] for ring in rings)
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    path.write_text("{")

    with pytest.raises(KeyRingError, match="Restore it from its backup"):
        KeyRing.at(path)

    assert path.read_text() == "{"
