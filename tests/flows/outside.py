"""Searches and purchases at work against the sandbox's UpLead and ZoomInfo."""

from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from random import Random
from typing import ClassVar
from uuid import UUID

from agents.agent import Agent
from agents.enricher import Enricher, Seller
from agents.governor import Governor
from agents.messages import BuyFacts, FindLeads
from agents.prospector import Prospector, Source
from agents.purchases import Purchases
from agents.vendors.uplead import UpLead
from agents.vendors.zoominfo import ZoomInfo
from policies.lead import Lead, LeadDraft, LeadId, Person
from policies.profiles import STARTERS
from scripts.sandbox.market.catalogue import Catalogue, Record
from scripts.sandbox.market.world import World
from scripts.sandbox.process import KEY
from storage import leads, searches
from storage.searches import Search
from tests.agents.source_room import SEALER
from tests.flows.stage import Stage

PRICES = {"uplead": 0.58, "zoominfo": 0.8}
BOUGHT = {"uplead": "person-search", "zoominfo": "contacts.enrich"}
SEARCHED = {"uplead": "prospector-pro-search", "zoominfo": "contacts.search"}
"""What the sandbox calls a search and a purchase."""
UNHINDERED = {
    "uplead": {"latency": 0.01, "per_minute": 600_000},
    "zoominfo": {"latency": 0.01, "per_second": 100_000},
}
PROFILE = "fintech-eu"
SURE = 85
"""At least how sure a vendor must be of a person, of 100."""


@dataclass(slots=True, kw_only=True)
class Outside(Stage):
    """A search and purchases, and what can be seen of them.

    Attributes:
        world: the market of the sandbox.
        timeout: of the adapters, for a whole call.
    """

    roles: ClassVar[Sequence[str]] = ("prospector", "enricher")
    world: World
    vendors: Sequence[str] = ("uplead", "zoominfo")
    timeout: timedelta = timedelta(seconds=0.5)

    async def find(self, wanted: int) -> UUID:
        """Ask for leads, as the API does."""
        async with self.database.transaction() as db:
            made = await searches.create(
                db,
                profile=PROFILE,
                definition=STARTERS[PROFILE],
                wanted=wanted,
                budget_micro=None,
                created_by="test",
                correlation_id="test",
                now=self.clock(),
            )
        await self.post("prospector", [FindLeads(made.id)])
        return made.id

    async def buy(self, vendor: str, many: int, *, after: int = 0) -> dict[LeadId, Record]:
        """Have facts bought about people whom ``vendor`` knows, and no search looks for."""
        known = _known_to(self.world, vendor)[after : after + many]
        assert len(known) == many
        async with self.database.transaction() as db:
            kept = await leads.keep(db, SEALER, [_draft(each) for each in known], now=self.clock())
        found = {each.id: record for each, record in zip(kept, known, strict=True)}
        assert len(found) == many
        await self.post("enricher", [BuyFacts(lead_id) for lead_id in found])
        return found

    async def buy_again(self, leads: Collection[LeadId]) -> None:
        """Have facts bought about leads of which some are known."""
        await self.post("enricher", [BuyFacts(lead_id) for lead_id in leads])

    async def search(self, search_id: UUID) -> Search:
        async with self.database.transaction() as db:
            return await searches.get(db, search_id)

    async def lead(self, lead_id: UUID) -> Lead:
        async with self.database.transaction() as db:
            return await leads.get(db, SEALER, lead_id)

    async def handed_on(self) -> set[str]:
        """Leads that are ready for the scorer."""
        found = await self.rows(
            "SELECT body ->> 'lead_id' FROM messages "
            "WHERE recipient = 'scorer' AND kind = 'lead.enriched'"
        )
        return {lead_id for (lead_id,) in found}

    async def the_books_agree(self, *, held: int = 0) -> None:
        """What we own and what we paid for is what each vendor billed.

        Args:
            held: credits of questions whose answers were lost and that nobody asks again.
        """
        usd = 0
        for vendor in PRICES:
            book = self.sandbox.book(vendor)
            billed = set(book["by_record"])
            owned = await self.rows(
                f"SELECT record_id FROM vendor_records WHERE vendor = '{vendor}'"
            )
            assert {record for (record,) in owned} == billed, vendor
            assert len(owned) == book["credits"], vendor
            paid = await self.rows(
                "SELECT coalesce(sum(spent), 0)::int "
                f"FROM ledger_accounts WHERE id LIKE 'credits:{vendor}:%'"
            )
            assert paid == [(book["credits"],)], vendor
            usd += round(PRICES[vendor] * 1e6) * book["credits"]
        paid = await self.rows(
            "SELECT coalesce(sum(spent) FILTER (WHERE unit = 'usd_micro'), 0)::bigint, "
            "coalesce(sum(held) FILTER (WHERE unit = 'credits'), 0)::int FROM ledger_accounts"
        )
        assert paid == [(usd, held)]

    async def are_handed_on(self, leads: Collection[LeadId]) -> bool:
        """Whether leads are ready for the scorer, all of them."""
        return {str(lead_id) for lead_id in leads} <= await self.handed_on()

    def agents(self, number: int, closing: AsyncExitStack) -> Sequence[Agent]:
        shops = [self._shop(vendor, closing) for vendor in self.vendors]
        sources = [Source(adapter, governor, bought) for adapter, governor, bought in shops]
        prospector = Prospector(SEALER, sources, clock=self.clock, chance=Random(number).random)
        shops = [self._shop(vendor, closing) for vendor in self.vendors]
        sellers = [Seller(adapter, bought) for adapter, _, bought in shops]
        return prospector, Enricher(SEALER, sellers, clock=self.clock)

    def _shop(
        self, vendor: str, closing: AsyncExitStack
    ) -> tuple[UpLead | ZoomInfo, Governor, Purchases]:
        """One vendor, wired as `cluster.shops` does it."""
        governor = self.governor(vendor, closing)
        adapter = self._adapter(vendor, governor)
        closing.push_async_callback(adapter.close)
        purchases = Purchases(
            governor,
            usd_per_credit=PRICES[vendor],
            usd_per_day=10_000.0,
            credits_per_month=None,
            clock=self.clock,
        )
        return adapter, governor, purchases

    def _adapter(self, vendor: str, governor: Governor) -> UpLead | ZoomInfo:
        url, root = self.sandbox.vendor_urls[vendor], self.sandbox.url
        if vendor == "uplead":
            return UpLead(KEY, base_url=url, timeout=self.timeout, heard=governor.heard)
        return ZoomInfo(
            "sandbox-id",
            "sandbox-secret",
            base_url=url,
            token_url=f"{root}/zoominfo/oauth2/default/v1/token",
            timeout=self.timeout,
            heard=governor.heard,
        )


@lru_cache
def _known_to(world: World, vendor: str) -> Sequence[Record]:
    """People in America with a good address, each with a name that nobody else there has."""
    catalogue = Catalogue(world, vendor)
    alone = {found[0].id for found in catalogue.by_name.values() if len(found) == 1}
    return [record for record in catalogue.records if record.id in alone and _is_plain(record)]


def _is_plain(record: Record) -> bool:
    known = record.status == "valid" and record.score >= SURE and not record.person.opted_out
    return known and record.job.company.country.code == "US"


def _draft(record: Record) -> LeadDraft:
    person = Person(record.first_name, record.last_name)
    company = record.job.company
    return LeadDraft("import", person, company=company.name, domain=company.domain)
