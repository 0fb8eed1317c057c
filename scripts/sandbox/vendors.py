"""Which vendors the sandbox plays."""

from pathlib import Path

from scripts.sandbox.book import Book
from scripts.sandbox.common import CreditBook
from scripts.sandbox.linkedin.responses import LeadBook
from scripts.sandbox.linkedin.vendor import Conditions as LinkedInConditions
from scripts.sandbox.linkedin.vendor import LinkedIn
from scripts.sandbox.market.world import World
from scripts.sandbox.openai.vendor import OpenAI
from scripts.sandbox.salesforce.conditions import OrgConditions
from scripts.sandbox.salesforce.vendor import SalesforceOrg
from scripts.sandbox.server import Vendor
from scripts.sandbox.settings import Settings
from scripts.sandbox.uplead.vendor import Conditions as UpLeadConditions
from scripts.sandbox.uplead.vendor import UpLead
from scripts.sandbox.zoominfo.vendor import Conditions as ZoomInfoConditions
from scripts.sandbox.zoominfo.vendor import ZoomInfo

_ALL = (OpenAI.modes, UpLead.modes, ZoomInfo.modes, LinkedIn.modes, SalesforceOrg.modes)
MODES = tuple(sorted(frozenset[str]().union(*_ALL)))
"""Everything that can be made to go wrong, at one vendor at least."""


def build(settings: Settings) -> list[Vendor]:
    """Make every vendor."""
    world = World(settings.seed, settings.people)
    pace = settings.conditions.model_dump(include={"latency", "jitter"})
    return [
        OpenAI(settings.conditions, Book(settings.book), settings.seed),
        UpLead(UpLeadConditions(**pace), CreditBook(_beside(settings.book, "uplead")), world),
        ZoomInfo(ZoomInfoConditions(**pace), CreditBook(_beside(settings.book, "zoominfo")), world),
        LinkedIn(LinkedInConditions(**pace), LeadBook(_beside(settings.book, "linkedin")), world),
        SalesforceOrg(
            settings.seed,
            conditions=OrgConditions(**pace),
            path=_beside(settings.book, "salesforce"),
        ),
    ]


def _beside(book: Path | None, vendor: str) -> Path | None:
    """The file in which a vendor keeps its own book."""
    return None if book is None else book.with_name(f"{book.name}.{vendor}")
