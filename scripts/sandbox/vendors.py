"""Which vendors the sandbox plays."""

from scripts.sandbox.book import Book
from scripts.sandbox.openai.vendor import OpenAI
from scripts.sandbox.salesforce.vendor import SalesforceOrg
from scripts.sandbox.server import Vendor
from scripts.sandbox.settings import Settings

MODES = tuple(sorted(OpenAI.modes | SalesforceOrg.modes))
"""Everything that can be made to go wrong, at one vendor at least."""


def build(settings: Settings) -> list[Vendor]:
    """Make every vendor."""
    return [
        OpenAI(settings.conditions, Book(settings.book), settings.seed),
        SalesforceOrg(settings.seed),
    ]
