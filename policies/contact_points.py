"""E-mail addresses and phone numbers: what is one, and when two spellings mean the same.

A *normal form* is what is compared and looked up, never what is written to: the mailbox that a
person typed is kept beside it. Folding stops where mailboxes may differ: ``a+b@x.org`` is not
``a@x.org``.

Sources:
    Less than RFC 5321 on purpose: no quoted local part, comment, folding space, address literal,
    or domain without a dot; no list member has one, and each has been used to smuggle a header.
    Lengths: RFC 5321, 4.5.3.1. Domains: RFC 5890. Phone numbers: ITU-T E.164, Google's metadata.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import idna
import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumberFormat,
)

LONGEST_EMAIL = 254
LONGEST_LOCAL = 64
LONGEST_PHONE = 40

_ATEXT = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LOCAL = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?![0-9]+$){_LABEL}", re.ASCII)
_PLAIN = re.compile(
    rf"([a-z0-9_+-]{{1,32}}(?:\.[a-z0-9_+-]{{1,31}}){{0,4}})@((?:{_LABEL}\.)+[a-z]{{2,24}})",
    re.ASCII,
)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f"))
_WRAPPED = re.compile(r"[^<>]*<([^<>\s]+@[^<>\s]+)>")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_SEPARATORS = str.maketrans("", "", " ()-./\u00a0\u2009\u202f\u2010\u2011\u2013")


def typed_email(text: str) -> str:
    """Return the address in what a person typed or pasted: ``Ann <mailto:a@x.org> `` is a@x.org."""
    text = text.strip()
    if text.isascii() and "<" not in text and ":" not in text:
        return text
    text = text.translate(_INVISIBLE).strip()
    if wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[1]
    return text[7:] if text[:7].lower() == "mailto:" else text


def normal_email(text: str) -> str | None:
    """Return what all spellings of one mailbox share; None if ``text`` is no address."""
    lowered = text.lower()
    if len(text) <= LONGEST_LOCAL and _PLAIN.fullmatch(lowered):
        return lowered
    normal = _normal(text)
    return None if normal is None or _problem(normal) else normal


def email_problem(text: str) -> str | None:
    """Say what is wrong with an address, for the person who typed it; None if nothing is."""
    if normal_email(text) is not None:
        return None
    folded = unicodedata.normalize("NFKC", text).lower()
    return _problem(_normal(text) or folded) or "its domain is not a valid name"


def email_domain(normal: str) -> str:
    """Return the domain of a normal form."""
    return normal.rpartition("@")[2]


def is_free_mail(domain: str) -> bool:
    """Say whether anybody can have a mailbox at ``domain``, so that it names no company."""
    return domain in FREE_MAIL or domain.partition(".")[0] in _FREE_NAMES


def is_role_address(local: str) -> bool:
    """Say whether the part before the @ names a desk rather than a person."""
    first = re.split(r"[.+_-]", local.lower(), maxsplit=1)[0]
    return first in ROLES or local.lower() in ROLES


def normal_phone(text: str, country: str | None) -> str | None:
    """Return a phone number as E.164; None if it is not one.

    Args:
        country: ISO alpha-2, where a number without ``+`` is dialled; None accepts only numbers
            with their country code.
    """
    compact = text.translate(_SEPARATORS)
    if compact.startswith("00") and country is None:
        compact = "+" + compact[2:]
    if _E164.fullmatch(compact) and "(0)" not in text:
        return _valid(compact)
    if not 0 < len(text) <= LONGEST_PHONE:
        return None
    return _parsed(text, country)


def phone_problem(text: str, country: str | None) -> str | None:
    """Say what is wrong with a phone number; None if nothing is."""
    if normal_phone(text, country) is not None:
        return None
    if country is None and "+" not in text and not text.startswith("00"):
        return "it has no country code and the row names no country: write it as +49 30 901820"
    return "it is not a phone number that can be dialled: write it as +49 30 901820"


def _normal(text: str) -> str | None:
    """Fold case and compatibility forms, the domain to A-labels; None if it has none."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    local, at, domain = folded.rpartition("@")
    if not at:
        return None
    ascii_domain = domain if domain.isascii() else _a_labels(domain)
    return None if ascii_domain is None else f"{local}@{ascii_domain}"


@lru_cache(4096)
def _a_labels(domain: str) -> str | None:
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return None


def _problem(normal: str) -> str | None:
    local, at, domain = normal.rpartition("@")
    if not at:
        return "it has no @"
    if not local:
        return "nothing stands before the @"
    if len(normal.encode()) > LONGEST_EMAIL or len(local.encode()) > LONGEST_LOCAL:
        return f"it is longer than {LONGEST_EMAIL} bytes, or {LONGEST_LOCAL} before the @"
    if not _LOCAL.fullmatch(local):
        return "it holds a space or a character that no mailbox has, or two dots in a row"
    if "." not in domain:
        return "its domain has no dot"
    if not _DOMAIN.fullmatch(domain):
        return "its domain is not a valid name"
    return None


def _valid(e164: str) -> str | None:
    """Check a number that begins with its country code and holds digits alone.

    Most numbers are told by the patterns of their country, ten times as fast as by parsing;
    what they do not tell (a trunk prefix left in, a rare country) is parsed.
    """
    for length in (2, 3, 4):
        known = _patterns(e164[1:length])
        if known is not None:
            national = e164[length:]
            if known.valid.fullmatch(national) and not known.trunk.match(national):
                return e164
            break
    return _parsed(e164, None)


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Numbers behind a country code: those in use, and how a trunk prefix looks."""

    valid: re.Pattern[str]
    trunk: re.Pattern[str]


@lru_cache(1024)
def _patterns(code: str) -> _Patterns | None:
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code or "0"), ())
    known = [PhoneMetadata.metadata_for_region(region) for region in regions]
    if not known or None in known:
        return None
    found = [region for region in known if region is not None]
    kinds = [getattr(region, kind) for region in found for kind in _KINDS]
    valid = [kind.national_number_pattern for kind in kinds if kind is not None]
    trunks = [region.national_prefix_for_parsing for region in found]
    return _Patterns(_any_of(valid), _any_of([trunk for trunk in trunks if trunk] or ["(?!)"]))


def _any_of(patterns: Sequence[str | None]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{each})" for each in patterns if each), re.ASCII)


def _parsed(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


_KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number"),
    *("voip", "pager", "uan", "voicemail"),
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FREE_MAIL = _words(
    """
    126.com 139.com 163.com 189.cn abv.bg aim.com alice.it aliyun.com aol.com arcor.de att.net
    bellsouth.net bigpond.com bigpond.net.au bluewin.ch btinternet.com centrum.cz charter.net
    comcast.net cox.net daum.net duck.com earthlink.net email.com email.cz email.de fastmail.com
    fastmail.fm foxmail.com free.fr freemail.hu freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de
    gmx.fr gmx.net googlemail.com hanmail.net hey.com hotmail.com hushmail.com i.ua icloud.com
    inbox.lv inbox.ru interia.pl juno.com kolabnow.com kpnmail.nl laposte.net libero.it list.ru
    live.com mac.com mail.com mail.de mail.ru mailbox.org me.com msn.com mailinator.com naver.com
    neuf.fr ntlworld.com o2.pl onet.pl optonline.net orange.fr outlook.com pm.me posteo.de
    posteo.net proton.me protonmail.ch protonmail.com qq.com rambler.ru rediffmail.com
    rocketmail.com runbox.com sapo.pt sbcglobal.net seznam.cz sfr.fr shaw.ca sina.cn sina.com
    sky.com sohu.com
    startmail.com sympatico.ca t-online.de talktalk.net telenet.be telus.net terra.com.br tiscali.it
    tutanota.com tutanota.de tuta.com tuta.io ukr.net uol.com.br verizon.net vip.qq.com virgilio.it
    virginmedia.com wanadoo.fr walla.co.il web.de wp.pl xs4all.nl xtra.co.nz ya.ru yahoo.com
    yandex.com     yandex.ru yeah.net ymail.com zoho.com zohomail.com ziggo.nl
    """
)
"""Domains where mailboxes are given to anybody."""

_FREE_NAMES = frozenset({"gmail", "googlemail", "hotmail", "yahoo", "yandex", "gmx", "msn"})

ROLES = _words(
    """
    abuse account accounting accounts admin administrator administracion ads advertising anfrage
    apply billing booking bookings buchhaltung careers commercial compras comptabilite contact
    contacto contactus contato customercare customerservice datenschutz desk dpo einkauf email
    empfang enquiries enquiry events facturacion feedback finance frontdesk hello helpdesk help hola
    hostmaster hr info information inquiries inquiry invoice invoices it jobs kontakt kundenservice
    legal mail mailbox mailerdaemon mailer-daemon management marketing media membership news
    newsletter no-reply noreply office operations ops order orders partners payroll personal
    postmaster press presse privacy procurement purchasing reception recruiting recruitment
    redaktion reservations returns root rrhh sales security service services spam staff subscribe
    support team tech test vendas ventas verkauf vertrieb webmaster welcome
    """
)
"""Local parts that name a desk."""
