r"""Personal data at rest: sealed to be read, blinded to be found.

A sealed value is ``version 1 | data key id 2 | nonce 12 | ciphertext | tag 16`` bytes, AES-256-GCM.
It is bound to its column (named with its table, "leads.email") and to its row, so that a value
moved elsewhere does not open. Nonces are random: a data key may seal up to 2^32 values.

A *blind index* is a keyed hash: the same e-mail address always gives the same 16 bytes, which tell
nothing without the index key. *Tokens* are keyed hashes of the beginnings of a person's names, so
that a name is found while it is being typed. Whoever takes the database but not the keys learns
how long the values are, which rows share an address, and which begin their names alike.

Words that are kept in clear (company, title) have tokens too, so that one index finds all. These
are hashed without a key and apart from names: else the company "Smith & Sons" would tell the token
of everybody called Smith.

The keyed hash is BLAKE2b in its own MAC mode, four times as fast as one-shot HMAC-SHA-256
(``scripts/bench/sealing.py``). NIST has not approved BLAKE2, so where FIPS 140 binds, ``_mac``
must become HMAC and the stored indexes be recomputed; AES-GCM and HKDF are approved as they are.

Sources:
    AES-GCM and its limits: NIST SP 800-38D, 8.3. HKDF: RFC 5869. BLAKE2: RFC 7693.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from hashlib import blake2b
from typing import overload
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
HEADER_BYTES = 3
NONCE_BYTES = 12
BLIND_BYTES = 16
TOKEN_BYTES = 8

SHORTEST_PREFIX = 2
LONGEST_PREFIX = 10
CACHED_NAMES = 2**13

_WORD = re.compile(r"[^\W_]+")
_INVISIBLE = frozenset({"Mn", "Mc", "Me", "Cf"})
_PLAIN = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "\u0131": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
    }
    | dict.fromkeys("'`\u2018\u2019\u02bc", "")
)


class SealError(Exception):
    """A sealed value does not open: altered, moved, or sealed under a key that is not held."""


class Sealer:
    """Seals, opens, blinds and tokenises personal data; one a process, shared by its threads.

    Args:
        data_keys: 32 bytes by id (1 to 32,767), as the key ring unwraps them.
        current: id of the data key that seals from now on.
        index_key: 32 bytes, the key ring's ``index_key``.

    Attributes:
        header: the 3 bytes with which everything sealed from now on begins; a stored value that
            begins otherwise is due for ``reseal``.
    """

    def __init__(self, data_keys: Mapping[int, bytes], current: int, index_key: bytes) -> None:
        self.header = _header(current)
        self._ciphers = {
            _header(key_id): AESGCM(_derived(key, "seal")) for key_id, key in data_keys.items()
        }
        self._sealing = self._cipher(self.header)
        self._blinding = cache(partial(_blind_mac, index_key))
        self._names = _mac(index_key, "name tokens", size=TOKEN_BYTES)
        self._tokens_of = lru_cache(CACHED_NAMES)(partial(_prefix_tokens, self._names))
        self._clear_words = blake2b(digest_size=TOKEN_BYTES, person=b"clear words")
        self._clear_tokens_of = lru_cache(CACHED_NAMES)(partial(_prefix_tokens, self._clear_words))

    @overload
    def seal(self, column: str, row: UUID, text: str) -> bytes: ...
    @overload
    def seal(self, column: str, row: UUID, text: str | None) -> bytes | None: ...
    def seal(self, column: str, row: UUID, text: str | None) -> bytes | None:
        """Encrypt the text of one column ("leads.email") of one row; None stays None."""
        if text is None:
            return None
        nonce, bound_to = os.urandom(NONCE_BYTES), self.header + column.encode() + row.bytes
        return self.header + nonce + self._sealing.encrypt(nonce, text.encode(), bound_to)

    def seal_many(
        self, column: str, rows: Sequence[UUID], texts: Sequence[str | None]
    ) -> list[bytes | None]:
        """Seal one column of many rows: as ``seal``, with one draw of randomness for all.

        Raises:
            ValueError: if there are not as many texts as rows.
        """
        header, encrypt = self.header, self._sealing.encrypt
        scope = header + column.encode()
        noise = os.urandom(NONCE_BYTES * len(rows))
        nonces = [noise[at : at + NONCE_BYTES] for at in range(0, len(noise), NONCE_BYTES)]
        return [
            None
            if text is None
            # row.bytes says the same, and makes the whole a seventh slower
            else header + nonce + encrypt(nonce, text.encode(), scope + row.int.to_bytes(16))
            for nonce, row, text in zip(nonces, rows, texts, strict=True)
        ]

    @overload
    def open(self, column: str, row: UUID, blob: bytes) -> str: ...
    @overload
    def open(self, column: str, row: UUID, blob: bytes | None) -> str | None: ...
    def open(self, column: str, row: UUID, blob: bytes | None) -> str | None:
        """Decrypt what ``seal`` made for the same column and row; None stays None.

        Raises:
            SealError: if the value was altered or moved, or its data key is not held.
        """
        if blob is None:
            return None
        header, nonce = blob[:HEADER_BYTES], blob[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES]
        bound_to = header + column.encode() + row.bytes
        cipher = self._cipher(header)
        try:
            return cipher.decrypt(nonce, blob[HEADER_BYTES + NONCE_BYTES :], bound_to).decode()
        except (InvalidTag, ValueError):
            raise SealError(
                f"{column} of row {row} does not open: it was altered, moved here from another "
                "column or row, or sealed under another key of the same id."
            ) from None

    def needs_reseal(self, blob: bytes) -> bool:
        """Say whether ``blob`` was sealed under another data key than the current one."""
        return not blob.startswith(self.header)

    def reseal(self, column: str, row: UUID, blob: bytes) -> bytes:
        """Seal again under the current data key.

        Raises:
            SealError: as ``open`` does.
        """
        return self.seal(column, row, self.open(column, row, blob))

    @overload
    def blind(self, field: str, value: str) -> bytes: ...
    @overload
    def blind(self, field: str, value: str | None) -> bytes | None: ...
    def blind(self, field: str, value: str | None) -> bytes | None:
        """Hash a normalised value into the 16 bytes of a blind index; None stays None.

        Args:
            field: what is compared ("email", "phone"): each field hashes under a key of its own.
            value: already in its normal form; other spellings give other bytes.
        """
        return None if value is None else _digest(self._blinding(field), value)

    def blind_many(self, field: str, values: Iterable[str | None]) -> list[bytes | None]:
        """Hash many values of one field, as ``blind``."""
        mac = self._blinding(field)
        return [None if value is None else _digest(mac, value) for value in values]

    def name_tokens(self, first: str | None, last: str | None) -> list[int]:
        """Return the tokens under which a person's names are found: bigints, sorted, distinct.

        One for each beginning of each word, two to ten letters long. The order says nothing. The
        tokens of the last 8,192 names are remembered (6 MB), for names repeat.
        """
        return sorted(map(int, {*self._tokens_of(first or ""), *self._tokens_of(last or "")}))

    def name_query(self, text: str) -> list[int]:
        """Return the tokens that a person found by ``text`` must all have, one a word.

        Words match in any order, from their beginning, whatever their case and accents. No match
        is ever missed: a word of more than ten letters is looked up by its first ten, and a
        single letter is left out (of a script with case; elsewhere one character is a name). So a
        few too many may be found, and an empty answer narrows nothing: ask for more letters.
        """
        words = (word[:LONGEST_PREFIX] for word in _words(text) if len(word) >= _shortest(word))
        return sorted({_number(_digest(self._names, word)) for word in words})

    def search_tokens(
        self, first: str | None, last: str | None, company: str, title: str
    ) -> list[int]:
        """Return all tokens of a lead: of its person's names, and of the words kept in clear."""
        names = {*self._tokens_of(first or ""), *self._tokens_of(last or "")}
        names.update(self._clear_tokens_of(company), self._clear_tokens_of(title))
        return sorted(map(int, names))

    def search_array(self, first: str | None, last: str | None, company: str, title: str) -> str:
        """Return ``search_tokens`` as PostgreSQL writes an array, in no order; for bulk writing."""
        names, words = self._tokens_of, self._clear_tokens_of
        tokens = {*names(first or ""), *names(last or ""), *words(company), *words(title)}
        return "{" + ",".join(tokens) + "}"

    def search_query(self, text: str) -> list[tuple[int, int]]:
        """Return two tokens a word of ``text``; a lead found by it has one of each pair.

        The first is that of a name, the second that of a word kept in clear. As with
        ``name_query``, a single letter is left out.
        """
        words = {word[:LONGEST_PREFIX] for word in _words(text) if len(word) >= _shortest(word)}
        macs = self._names, self._clear_words
        pairs = ([_number(_digest(mac, word)) for mac in macs] for word in sorted(words))
        return [(name, clear) for name, clear in pairs]

    def _cipher(self, header: bytes) -> AESGCM:
        cipher = self._ciphers.get(header)
        if cipher is None:
            version, key_id = header[:1].hex() or "nothing", int.from_bytes(header[1:])
            raise SealError(
                f"No data key {key_id} for format {version}: load every row of `data_keys`, and "
                "the release that wrote this value."
            )
        return cipher


def _header(key_id: int) -> bytes:
    return bytes([VERSION]) + key_id.to_bytes(2)


def _derived(key: bytes, purpose: str) -> bytes:
    info = f"lead-engine {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)


def _mac(key: bytes, purpose: str, *, size: int) -> blake2b:
    """Return the keyed hash of one purpose, to be copied for each value."""
    return blake2b(key=_derived(key, purpose), digest_size=size)


def _blind_mac(index_key: bytes, field: str) -> blake2b:
    return _mac(index_key, f"blind {field}", size=BLIND_BYTES)


def _digest(mac: blake2b, text: str) -> bytes:
    mac = mac.copy()
    mac.update(text.encode())
    return mac.digest()


def _number(token: bytes) -> int:
    return int.from_bytes(token, signed=True)


def _prefix_tokens(mac: blake2b, name: str) -> tuple[str, ...]:
    """The tokens of all beginnings, in decimal, as bulk writing needs them."""
    return tuple({str(token) for word in _words(name) for token in _growing(mac.copy(), word)})


def _growing(mac: blake2b, word: str) -> Iterator[int]:
    """Yield the token of each beginning of ``word``: ``mac`` has seen a letter more each time."""
    shortest = _shortest(word)
    for length, letter in enumerate(word[:LONGEST_PREFIX], start=1):
        mac.update(letter.encode())
        if length >= shortest:
            yield _number(mac.digest())


def _shortest(word: str) -> int:
    return SHORTEST_PREFIX if word[0].islower() else 1


def _words(text: str) -> list[str]:
    """Split into words without case, accents and apostrophes.

    Letter by letter, so that the beginning of a name always folds into the beginning of what the
    whole name folds into.
    """
    letters = unicodedata.normalize("NFKD", text.replace("\u00b4", "'")).casefold()
    letters = unicodedata.normalize("NFKD", letters.translate(_PLAIN))
    if not letters.isascii():
        letters = "".join(c for c in letters if unicodedata.category(c) not in _INVISIBLE)
    return _WORD.findall(letters)
