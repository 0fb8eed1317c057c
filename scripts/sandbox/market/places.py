"""The countries of the market: who lives there, where, and which phone numbers are fiction.

Sources:
    Numbers for fiction: NANP 555-0100 to 0199, Bundesnetzagentur Mitteilung 148/2021, ARCEP (01 99
    00), Ofcom (020 7946 0xxx), PTS (08-465 004xx, 070-174 06xx), ACMA (02 5550 xxxx, 0491 570
    xxx). Where no range is kept for it, or Google's metadata call it no number (07700 900xxx),
    nobody has one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Country:
    """A country.

    Attributes:
        weight: share of the companies, in percent.
        cities: with their state or region.
        forms: legal forms of its companies.
    """

    code: str
    name: str
    language: str
    weight: float
    eu: bool
    cities: tuple[tuple[str, str], ...]
    forms: tuple[str, ...]

    @property
    def region(self) -> str:
        """``us``, ``eu`` or ``other``."""
        if self.code == "US":
            return "us"
        return "eu" if self.eu else "other"


def _country(line: str, *, eu: bool = False) -> Country:
    code, name, language, weight, cities, forms = line.split("|")
    pairs = (city.partition("/") for city in cities.split(","))
    return Country(
        code,
        name,
        language,
        float(weight),
        eu,
        tuple((city, state) for city, _, state in pairs),
        tuple(forms.split(",")),
    )


COUNTRIES = (
    _country(
        "US|United States|en|28|New York/New York,Austin/Texas,San Francisco/California,"
        "Chicago/Illinois,Boston/Massachusetts,Denver/Colorado,Atlanta/Georgia|Inc.,LLC,Corp."
    ),
    _country(
        "GB|United Kingdom|en|8|London/England,Manchester/England,Leeds/England|Ltd,Limited,PLC"
    ),
    _country("CA|Canada|en|3|Toronto/Ontario,Vancouver/British Columbia|Inc.,Ltd."),
    _country("AU|Australia|en|3|Sydney/New South Wales,Melbourne/Victoria|Pty Ltd"),
    _country("CH|Switzerland|de|2|Zürich/Zürich,Zug/Zug|AG,GmbH"),
    _country("IN|India|in|2|Bengaluru/Karnataka,Mumbai/Maharashtra|Pvt. Ltd."),
    _country(
        "DE|Germany|de|14|Berlin/Berlin,München/Bayern,Hamburg/Hamburg,Frankfurt am Main/Hessen,"
        "Köln/Nordrhein-Westfalen|GmbH,AG,GmbH & Co. KG,SE",
        eu=True,
    ),
    _country("AT|Austria|de|2|Wien/Wien,Graz/Steiermark|GmbH,AG", eu=True),
    _country(
        "FR|France|fr|10|Paris/Île-de-France,Lyon/Auvergne-Rhône-Alpes,Lille/Hauts-de-France"
        "|SAS,SA,SARL",
        eu=True,
    ),
    _country("BE|Belgium|fr|2|Bruxelles/Bruxelles,Antwerpen/Vlaanderen|NV,SA,BV", eu=True),
    _country(
        "NL|Netherlands|nl|6|Amsterdam/Noord-Holland,Rotterdam/Zuid-Holland,Utrecht/Utrecht|B.V.,N.V.",
        eu=True,
    ),
    _country("LU|Luxembourg|fr|1|Luxembourg/Luxembourg|S.à r.l.,SA", eu=True),
    _country("ES|Spain|es|4|Madrid/Madrid,Barcelona/Cataluña,Valencia/Valencia|S.L.,S.A.", eu=True),
    _country("IT|Italy|it|4|Milano/Lombardia,Roma/Lazio,Torino/Piemonte|S.r.l.,S.p.A.", eu=True),
    _country("SE|Sweden|no|3|Stockholm/Stockholm,Göteborg/Västra Götaland|AB", eu=True),
    _country("DK|Denmark|no|2|København/Hovedstaden,Aarhus/Midtjylland|ApS,A/S", eu=True),
    _country("IE|Ireland|en|2|Dublin/Leinster,Cork/Munster|Ltd,DAC", eu=True),
    _country("PL|Poland|pl|2|Warszawa/Mazowieckie,Kraków/Małopolskie|sp. z o.o.,S.A.", eu=True),
    _country("PT|Portugal|pt|2|Lisboa/Lisboa,Porto/Porto|Lda.,S.A.", eu=True),
)
_US = (212, 512, 415, 312, 617, 303, 404, 206, 702, 305, 214, 602)
_CA = (416, 604, 514, 403)
_DE = ((30, 23125), (69, 90009), (40, 66969), (221, 4710), (89, 99998))


def office_phone(country: str, chance: Random) -> str | None:
    """A fixed line that nobody has, as E.164; None if no range is kept for fiction there."""
    dial = _OFFICE.get(country)
    return None if dial is None else dial(chance)


def mobile_phone(country: str, chance: Random) -> str | None:
    """The same for a mobile phone."""
    dial = _MOBILE.get(country)
    return None if dial is None else dial(chance)


def _nanp(areas: tuple[int, ...]) -> Callable[[Random], str]:
    return lambda chance: f"+1{chance.choice(areas)}55501{chance.randrange(100):02}"


def _german(chance: Random) -> str:
    area, block = chance.choice(_DE)
    return f"+49{area}{block}{chance.randrange(1000):03}"


_OFFICE: dict[str, Callable[[Random], str]] = {
    "US": _nanp(_US),
    "CA": _nanp(_CA),
    "DE": _german,
    "GB": lambda chance: f"+442079460{chance.randrange(1000):03}",
    "FR": lambda chance: f"+33199{chance.randrange(10000):06}",
    "SE": lambda chance: f"+468465004{chance.randrange(100):02}",
    "AU": lambda chance: f"+6125550{chance.randrange(10000):04}",
}
_MOBILE: dict[str, Callable[[Random], str]] = {
    "US": _nanp(_US),
    "CA": _nanp(_CA),
    "DE": lambda chance: f"+4917139200{chance.randrange(100):02}",
    "SE": lambda chance: f"+46701740{chance.randrange(605, 700)}",
    "AU": lambda chance: f"+61491570{chance.randrange(6, 1000):03}",
}
