"""The master keys that lock the data keys, and the pepper of the blind indexes.

Personal data is sealed under *data keys* (``storage.sealing``). The database keeps those only
wrapped under a *master key*, and the master keys stay outside the database, in this ring. Changing
the master key therefore rewraps a few small values and touches no lead.

A lost ring is lost personal data: keep a copy of it away from the database and its backups.

Sources:
    Envelope encryption, AES-256-GCM, 96-bit nonces: NIST SP 800-38D and SP 800-57 part 1 rev. 5.
"""

import os
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from tempfile import mkstemp
from typing import Annotated, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

KEY_BYTES = 32
NONCE_BYTES = 12
FIRST_MASTER = "master-1"
HIGHEST_DATA_KEY = 2**15 - 1


class KeyRingError(Exception):
    """A key ring cannot be used as it is; the text says what to do."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as the database keeps it.

    Attributes:
        id: 1 to 32,767; every sealed value names the data key it was sealed under.
        master_id: the master key that unwraps it.
        wrapped: 12 bytes nonce, 32 bytes ciphertext, 16 bytes tag.
    """

    id: int
    master_id: str
    wrapped: bytes = field(repr=False)


def _key(value: object) -> bytes:
    key = b64decode(value, validate=True) if isinstance(value, str) else value
    if not isinstance(key, bytes) or len(key) != KEY_BYTES:
        raise ValueError("needs 32 bytes in base64, as `openssl rand -base64 32` prints them")
    return key


Key = Annotated[
    bytes, BeforeValidator(_key), PlainSerializer(lambda key: b64encode(key).decode(), str)
]


class KeyRing(BaseModel):
    """All master keys, which of them wraps new data keys, and the index key.

    Attributes:
        current: id of the master key that wraps from now on.
        masters: 32 bytes by id; the older ones unwrap what has not been rewrapped yet.
        index_key: 32 bytes, the pepper of blind indexes and search tokens. It does not rotate with
            the masters: a new one makes every stored index value meaningless until recomputed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    current: str
    masters: dict[str, Key] = Field(repr=False)
    index_key: Key = Field(repr=False)

    @model_validator(mode="after")
    def _current_is_held(self) -> Self:
        if self.current not in self.masters:
            raise ValueError("`current` must name one of `masters`")
        return self

    @classmethod
    def generate(cls) -> Self:
        """Make a ring with one fresh master key and a fresh index key."""
        masters = {FIRST_MASTER: token_bytes(KEY_BYTES)}
        return cls(current=FIRST_MASTER, masters=masters, index_key=token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a ring from the JSON that ``dump`` writes.

        Raises:
            KeyRingError: if the text is no usable ring. The error never repeats the text.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            problems = "; ".join(_problem(entry["loc"], entry["msg"]) for entry in error.errors())
        raise KeyRingError(
            f"The key ring is not usable: {problems}. Restore it from its backup; a new ring "
            "cannot open what was sealed under the old one."
        )

    @classmethod
    def at(cls, path: Path) -> Self:
        """Read the ring kept at ``path``; where there is none, make one and keep it there.

        Raises:
            KeyRingError: if the file is no usable ring.
        """
        if not path.exists():
            _create(path, cls.generate().dump())
        return cls.parse(path.read_text())

    def dump(self) -> str:
        """Return the ring as JSON, the keys in base64: a secret."""
        return self.model_dump_json(indent=2)

    def save(self, path: Path) -> None:
        """Replace the file at ``path``, readable by its owner alone, in one step."""
        _draft(path, self.dump()).replace(path)

    def with_new_master(self, master_id: str) -> Self:
        """Return this ring with a fresh master key as the current one; the older keys stay.

        Raises:
            KeyRingError: if the ring already holds a key of that id.
        """
        if master_id in self.masters:
            raise KeyRingError(f"The key ring already holds {master_id!r}: choose another id.")
        masters = {**self.masters, master_id: token_bytes(KEY_BYTES)}
        return self.model_copy(update={"current": master_id, "masters": masters})

    def new_data_key(self, key_id: int) -> WrappedKey:
        """Make a data key and wrap it under the current master key.

        Args:
            key_id: 1 to 32,767, never used before.
        """
        if not 1 <= key_id <= HIGHEST_DATA_KEY:
            raise ValueError(f"a data key's id is 1 to {HIGHEST_DATA_KEY}, not {key_id}")
        return self._wrap(key_id, token_bytes(KEY_BYTES))

    def unwrap(self, key: WrappedKey) -> bytes:
        """Return the 32 bytes of a data key.

        Raises:
            KeyRingError: if its master key is not in the ring, or is another than it was.
        """
        master = self.masters.get(key.master_id)
        if master is None:
            raise KeyRingError(
                f"Data key {key.id} is wrapped under {key.master_id!r}, which the key ring lacks: "
                "put that master key back under `masters`."
            )
        nonce, sealed = key.wrapped[:NONCE_BYTES], key.wrapped[NONCE_BYTES:]
        try:
            return AESGCM(master).decrypt(nonce, sealed, _bound_to(key.id, key.master_id))
        except (InvalidTag, ValueError):
            raise KeyRingError(
                f"Data key {key.id} does not unwrap under {key.master_id!r}: this database was "
                "filled with another key ring, or its row was altered. Restore that ring."
            ) from None

    def rewrap(self, key: WrappedKey) -> WrappedKey:
        """Return the same data key wrapped under the current master key.

        Raises:
            KeyRingError: as ``unwrap`` does.
        """
        return self._wrap(key.id, self.unwrap(key))

    def _wrap(self, key_id: int, secret: bytes) -> WrappedKey:
        nonce = token_bytes(NONCE_BYTES)
        cipher = AESGCM(self.masters[self.current])
        sealed = cipher.encrypt(nonce, secret, _bound_to(key_id, self.current))
        return WrappedKey(key_id, self.current, nonce + sealed)


def _bound_to(key_id: int, master_id: str) -> bytes:
    return f"lead-engine data key {key_id} under {master_id}".encode()


def _problem(where: tuple[int | str, ...], what: str) -> str:
    what = what.removeprefix("Value error, ")
    return f"{'.'.join(map(str, where))}: {what}" if where else what


def _draft(path: Path, text: str) -> Path:
    """Write ``text`` beside ``path``; mkstemp makes the file 0600 from its first byte."""
    handle, name = mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    return Path(name)


def _create(path: Path, text: str) -> None:
    """Keep ``text`` at ``path`` unless another process was first: a link never overwrites."""
    draft = _draft(path, text)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
