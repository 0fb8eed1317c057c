"""What may be personal data although nobody said so: it is sealed, not kept as an attribute.

Better one attribute too few than one address in the clear: what is suspected here is kept among
the notes of the lead, under the same name.
"""

import re
from functools import lru_cache

from policies.countries import folded

LONGEST_CLEAR = 256
"""Longer texts are free text, in which people write names and numbers."""
_CACHED = 64

_EMAIL = re.compile(r"\S@\S+\.\S")
_PHONE = re.compile(
    r"(?<![\w+-])(?:\+|00)[1-9][\d ().\-/]{6,20}\d(?![\w-])"
    r"|(?<![\w.-])\(\d{2,5}\) ?\d{3,4}[-. /]?\d{3,}(?![\w-])"
    r"|(?<![\w.-])\d{3}[-. ]\d{3}[-. ]\d{4}(?![\w-])"
    r"|(?<![\w.,:-])0\d{1,4}(?: ?/ ?| )\d{3}[\d -]{2,}\d(?![\w/:.-])",
    re.ASCII,
)
_SHORTEST_PHONE = 9
"""Characters, written with a separator or a plus."""


def may_be_personal(text: str) -> bool:
    """Say whether a value holds an e-mail address, a phone number or free text."""
    if len(text) < _SHORTEST_PHONE:
        return "@" in text and holds_contact(text)
    if len(text) <= _CACHED:
        return _holds_contact(text)
    return len(text) > LONGEST_CLEAR or holds_contact(text)


def holds_contact(text: str) -> bool:
    """Say whether an e-mail address or a written-out phone number is in ``text``."""
    if "@" in text and _EMAIL.search(text):
        return True
    return len(text) >= _SHORTEST_PHONE and _PHONE.search(text) is not None


_holds_contact = lru_cache(2**15)(holds_contact)


def is_personal_name(column: str) -> bool:
    """Say whether a column of that name tells of a person rather than of a deal."""
    name = folded(column)
    if name.startswith(_ABOUT):
        return False
    return name in _EXACT or name.endswith(_ENDINGS)


_ABOUT = tuple(
    f"{word} "
    for word in (
        *("do not", "no", "not", "opt", "has", "is", "allow", "accept", "number of", "count of"),
        *("nb", "subscribed", "prefers", "preferred", "valid", "verified", "send", "wants"),
    )
)
_ENDINGS = tuple(
    f" {word}"
    for word in (
        *("email", "e mail", "email address", "mail address", "phone", "phone number", "mobile"),
        *("mobile number", "cell", "cell phone", "fax", "fax number", "telephone", "telefon"),
        *("telefonnummer", "telephone number", "handy", "movil", "portable", "address", "adresse"),
        *("direccion", "street", "strasse", "birthday", "birth date", "date of birth"),
        *("linkedin", "linkedin url", "profile url", "contact name", "person name"),
        *("middle name", "maiden name", "first name", "last name", "full name", "user name"),
        *("owner", "assigned to", "created by", "notes", "comments", "remarks", "comment", "iban"),
    )
)
_EXACT = frozenset(
    {
        *(ending.strip() for ending in _ENDINGS),
        *("address 1", "address 2", "address line 1", "address line 2", "street address", "fax"),
        *("email 2", "email 3", "email2", "secondary email", "phone 2", "phone2", "phone 3"),
        *("email 1", "phone 1", "mailing address", "rue", "calle", "anschrift", "hausnummer"),
        *("dob", "birthdate", "geburtsdatum", "geburtstag", "date de naissance", "nickname"),
        *("fecha de nacimiento", "age of birth", "place of birth", "username", "login", "skype"),
        *("linkedin profile", "person linkedin url", "twitter", "twitter handle", "facebook"),
        *("instagram", "whatsapp", "xing", "telegram", "ssn", "social security number"),
        *("passport", "passport number", "tax id", "bank account", "credit card", "ip", "note"),
        *("ip address", "remark", "bemerkung", "bemerkungen", "kommentar", "kommentare", "notizen"),
        *("notiz", "commentaire", "commentaires", "comentario", "comentarios", "notas", "message"),
        *("nachricht", "mensaje", "ansprechpartner", "contact person", "sales rep", "latitude"),
        *("longitude", "photo", "avatar", "picture", "signature", "initials", "spouse"),
    }
)
