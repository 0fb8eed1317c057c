"""Groups of countries that a profile may name at once.

Sources:
    EU and EEA: https://european-union.europa.eu/principles-countries-history/eu-countries_en, the
    EEA agreement; membership as of 2026-11. The others: usual usage.
"""

EU = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
REGIONS = {
    "EU": EU,
    "EEA": EU | {"IS", "LI", "NO"},
    "DACH": frozenset({"DE", "AT", "CH"}),
    "NORDICS": frozenset({"DK", "FI", "IS", "NO", "SE"}),
    "BENELUX": frozenset({"BE", "LU", "NL"}),
}
"""ISO 3166-1 alpha-2 codes by the name of the group."""
