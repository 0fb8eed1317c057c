"""Leads as the waterfall sees them: what is known, and what was asked of whom."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from policies.contact_points import normal_email
from policies.fact_rules import EMAIL_STATUS, due, known_of
from policies.hit_rates import is_name
from policies.lead import Fact, Lead, LeadId
from policies.prospect import EmailStatus, PersonQuery
from policies.waterfall import Asked, Case
from storage import enrichment, facts, leads, vendor_records
from storage.database import Connection
from storage.enrichment import Ask
from storage.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Files:
    """Everything on record about some leads; those that are gone are not among them.

    Attributes:
        records: names of leads at the sources, by lead and source.
        owned: records that are paid for, by source and name.
        mail: sources that say a mail server takes every address, by domain.
    """

    sealer: Sealer
    leads: Mapping[LeadId, Lead]
    facts: Mapping[LeadId, Sequence[Fact]]
    asks: Mapping[LeadId, Mapping[str, Ask]]
    records: Mapping[tuple[LeadId, str], str]
    owned: Collection[tuple[str, str]]
    mail: Mapping[str, frozenset[str]]

    def using(self, lead_id: LeadId) -> set[str]:
        """The sources whose address is the one that a lead has."""
        lead, asks = self.leads[lead_id], self.asks[lead_id]
        normal = normal_email(lead.person.email or "")
        key = self.sealer.blind("email", normal)
        using = {name for name, ask in asks.items() if key and ask.email_key == key}
        return using if lead.source in asks else using | {lead.source}

    def address(self, lead_id: LeadId) -> EmailStatus | None:
        """What is known of a lead's address; None if nobody has said a word."""
        using = self.using(lead_id)
        told = [f for f in self.facts[lead_id] if f.field == EMAIL_STATUS and f.source in using]
        newest = max(told, key=lambda fact: fact.observed_at, default=None)
        return None if newest is None or newest.value is None else EmailStatus(str(newest.value))

    def case(self, lead_id: LeadId, *, again: bool, now: datetime) -> Case:
        """One lead, weighed.

        Args:
            again: whether what is old is to be asked anew.
        """
        lead, told = self.leads[lead_id], self.facts[lead_id]
        return Case(
            lead,
            known_of(lead, told, using=self.using(lead_id), now=now),
            {name: self._asked(lead_id, name) for name in self._sources(lead_id)},
            again=again,
            refresh=due(told, now) if again else frozenset(),
            takes_all=self.mail.get(lead.domain or ""),
        )

    def question(
        self, lead_id: LeadId, source: str, least: EmailStatus | None = None
    ) -> PersonQuery:
        """What to ask a source about a lead."""
        lead = self.leads[lead_id]
        person = lead.person
        ask = self.asks[lead_id].get(source, Ask())
        email = person.email if is_name(person.email, self.address(lead_id)) else None
        return PersonQuery(
            lead_id,
            email,
            person.first_name,
            person.last_name,
            lead.company or None,
            lead.domain,
            ask.record_id or self.records.get((lead_id, source)),
            least,
        )

    def is_owned(self, question: PersonQuery, source: str) -> bool:
        """Whether the record that a question names is paid for."""
        return question.record_id is not None and (source, question.record_id) in self.owned

    def _sources(self, lead_id: LeadId) -> set[str]:
        known = {name for lead, name in self.records if lead == lead_id}
        return known | set(self.asks[lead_id])

    def _asked(self, lead_id: LeadId, source: str) -> Asked:
        ask = self.asks[lead_id].get(source, Ask())
        record = ask.record_id or self.records.get((lead_id, source))
        return Asked(
            same=ask.named_by is not None and ask.named_by == self._name(lead_id, source, ask),
            at=ask.answered_at,
            found=ask.found,
            record=record,
            owned=record is not None and (source, record) in self.owned,
        )

    def _name(self, lead_id: LeadId, source: str, ask: Ask) -> bytes | None:
        """The keyed hash of what would be asked now, without an address it told us itself."""
        now = self.question(lead_id, source)
        key = self.sealer.blind("email", normal_email(now.email or ""))
        if key is not None and key == ask.email_key:
            now = PersonQuery(now.key, None, now.first_name, now.last_name, now.company, now.domain)
        return enrichment.named_by(self.sealer, [now])[0]


def nothing(sealer: Sealer) -> Files:
    """The files of no lead."""
    return Files(sealer, {}, {}, {}, {}, frozenset(), {})


async def read(db: Connection, sealer: Sealer, ids: Sequence[UUID], *, lock: bool = False) -> Files:
    """Read everything about leads.

    Args:
        lock: whether nobody else may change them until the transaction ends.
    """
    known = await leads.get_many(db, sealer, ids, lock=lock)
    asks = await enrichment.asks(db, sealer, ids)
    records = await enrichment.records(db, ids)
    names: dict[str, set[str]] = {}
    for (_, source), record in records.items():
        names.setdefault(source, set()).add(record)
    for by_source in asks.values():
        for source, ask in by_source.items():
            if ask.record_id is not None:
                names.setdefault(source, set()).add(ask.record_id)
    owned = {
        (source, record)
        for source, wanted in names.items()
        for record in await vendor_records.owned(db, source, wanted)
    }
    return Files(
        sealer,
        {lead.id: lead for lead in known},
        await facts.of(db, ids),
        asks,
        records,
        owned,
        await enrichment.mail_servers(db, {lead.domain for lead in known if lead.domain}),
    )
