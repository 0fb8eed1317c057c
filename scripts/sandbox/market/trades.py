"""What the companies of the market do, how large they are and what they are called."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Trade:
    """An industry.

    Attributes:
        key: one of `policies.industries.INDUSTRIES`.
        weight: share of the companies, in percent.
        niches: what others call its parts.
        words: of its companies' names.
    """

    key: str
    weight: float
    niches: tuple[str, ...]
    words: tuple[str, ...]
    sic: str
    naics: str


def _trade(line: str) -> Trade:
    key, weight, niches, words, sic, naics = line.split("|")
    return Trade(key, float(weight), tuple(niches.split(",")), tuple(words.split(",")), sic, naics)


TRADES = tuple(
    map(
        _trade,
        (
            "financial_services|42|Financial Services,Financial Services,Financial Services,"
            "Banking,Investment Management,Capital Markets|Payments,Capital,Pay,Bank,"
            "Ledger,Credit,Lending,Finance,Invest,Treasury,Wealth,Money,Exchange,"
            "Markets|6199|522320",
            "insurance|5|Insurance|Insurance,Assurance,Cover,Mutual,Risk,Protect|6411|524210",
            "software|12|Computer Software,Internet|Software,Systems,Cloud,Labs,Data,"
            "Apps,AI,Platform|7372|511210",
            "it_services|7|Information Technology and Services,Computer & Network Security|IT,"
            "Networks,Consulting,Secure,Digital,Hosting|7373|541512",
            "manufacturing|6|Machinery,Industrial Automation|Werke,Industries,Machines,"
            "Tools,Motion|3559|333249",
            "healthcare|4|Hospital & Health Care,Medical Devices|Health,Care,Clinics,"
            "Medical|8062|622110",
            "pharmaceuticals|3|Pharmaceuticals,Biotechnology|Pharma,Bio,Therapeutics|2834|325412",
            "retail|4|Retail|Stores,Market,Shop,Retail|5311|455110",
            "logistics|4|Logistics and Supply Chain,"
            "Transportation/Trucking/Railroad|Logistics,Freight,Cargo,Transport|4731|488510",
            "energy|3|Oil & Energy,Renewables & Environment|Energy,Power,Solar,Grid|4911|221118",
            "professional_services|4|Management Consulting|Advisory,Partners,Consult,"
            "Group|8742|541611",
            "media|2|Online Media,Publishing|Media,Press,Studios|2711|513110",
            "construction|1|Construction|Build,Construct,Bau|1542|236220",
            "food|2|Food & Beverages|Foods,Dairy,Brewing|2000|311999",
            "telecommunications|1|Telecommunications|Telecom,Mobile,Connect|4813|517111",
        ),
    )
)
_HEADS = [
    "Nor",
    "Alp",
    "Quan",
    "Ver",
    "Lumi",
    "Stel",
    "Bri",
    "Cal",
    "Dora",
    "Eve",
    "Fin",
    "Gala",
    "Hel",
    "Iri",
    "Jun",
    "Kel",
    "Lor",
    "Mer",
    "Nova",
    "Ost",
    "Pri",
    "Riva",
    "Sol",
    "Tal",
    "Umb",
    "Vel",
    "Wes",
    "Xan",
    "Yor",
    "Zen",
    "Aster",
    "Bor",
    "Cor",
    "Del",
    "Fjor",
    "Gran",
    "Haf",
    "Isar",
    "Kvi",
    "Lin",
]
_TAILS = [
    "dex",
    "lio",
    "tis",
    "vara",
    "mark",
    "gate",
    "wind",
    "stone",
    "bridge",
    "line",
    "via",
    "nix",
    "tera",
    "port",
    "well",
    "field",
    "haven",
    "ton",
    "ria",
    "sen",
    "berg",
    "dal",
    "mont",
    "vik",
    "lux",
    "ora",
    "qua",
    "plex",
    "grid",
    "fort",
]
SIZES = (
    (1, 10, 12),
    (11, 50, 20),
    (51, 200, 22),
    (201, 500, 16),
    (501, 1_000, 10),
    (1_001, 5_000, 12),
    (5_001, 10_000, 5),
    (10_001, 60_000, 3),
)
"""Employees from, to, and the share of companies of that size in percent."""


def company_name(trade: Trade, chance: Random) -> str:
    """A name such as ``Norlio Payments``, without its legal form."""
    stem = chance.choice(_HEADS) + chance.choice(_TAILS)
    return f"{stem} {chance.choice(trade.words)}"
