"""Outbound messages: the org calls us when a record was converted or its status has changed.

At least once, in no order, with the values at the time of sending; whatever is not acknowledged
with ``<Ack>true</Ack>`` is sent again with growing gaps (reference, section 11).
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from html import escape
from random import Random
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, field_validator

from scripts.sandbox.salesforce.ids import made
from scripts.sandbox.salesforce.org import ORG_ID, Org, instance_url
from scripts.sandbox.salesforce.query import shown
from scripts.sandbox.salesforce.writes import Change

_HERE = {"127.0.0.1", "localhost", "::1"}
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_ENTERPRISE = "urn:sobject.enterprise.soap.sforce.com"
_OK = 200
_ACTION = made("OutboundAction", 1_000_007)
_NOISE = {"SystemModstamp", "LastModifiedDate", "LastModifiedById"}


class Target(BaseModel):
    """Who is told what.

    Attributes:
        url: on this machine; nothing else is ever called.
        objects: whose changes are told.
        fields: that a message carries, besides ``Id``.
        on: ``conversion`` and ``status`` (of an Opportunity: its stage), ``any`` change or
            ``create``.
        most: notifications in one message, 1 to 100.
        delay: seconds until a message leaves.
        retry: seconds until the second attempt; each gap is twice the one before, up to
            ``longest_gap``.
        give_up: seconds after which a message is dropped.
        reorder: share of the messages that are held back behind later ones.
        duplicate: share of the messages that are sent twice.
        timeout: seconds that an answer may take.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    objects: tuple[str, ...] = ("Lead",)
    fields: tuple[str, ...] = (
        *("LeadEngine_Id__c", "Status", "IsConverted", "ConvertedAccountId"),
        *("ConvertedContactId", "ConvertedOpportunityId", "SystemModstamp"),
    )
    on: tuple[Literal["conversion", "status", "any", "create"], ...] = ("conversion", "status")
    most: int = Field(default=100, ge=1, le=100)
    delay: float = Field(default=0.02, ge=0)
    retry: float = Field(default=1.0, gt=0)
    longest_gap: float = Field(default=7200.0, gt=0)
    give_up: float = Field(default=86_400.0, gt=0)
    reorder: float = Field(default=0.0, ge=0, le=1)
    duplicate: float = Field(default=0.0, ge=0, le=1)
    timeout: float = Field(default=10.0, gt=0)

    @field_validator("url")
    @classmethod
    def _on_this_machine(cls, url: str) -> str:
        if urlsplit(url).scheme != "http" or urlsplit(url).hostname not in _HERE:
            raise ValueError("the sandbox calls http addresses of this machine only")
        return url


@dataclass(slots=True)
class _Note:
    id: str
    sobject: str
    record_id: str
    since: float
    tries: int = 0


class Outbound:
    """Sends what happened to whoever asked to be told.

    Args:
        org: what happens.
        chance: of order and repetition.
    """

    def __init__(self, org: Org, chance: Random) -> None:
        self._org, self._chance = org, chance
        self._target: Target | None = None
        self._waiting: deque[_Note] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._due = False
        self._client: httpx.AsyncClient | None = None
        org.writer.listeners.append(self.happened)

    def tell(self, target: Target | None) -> None:
        """Tell this one from now on; None tells nobody."""
        self._target = target
        self._waiting.clear()

    def shown(self) -> dict[str, Any]:
        """The target, and what waits to be sent."""
        target = None if self._target is None else self._target.model_dump()
        return {"target": target, "waiting": len(self._waiting) + len(self._tasks)}

    def happened(self, change: Change) -> None:
        """Note a change, if somebody wants to know."""
        target = self._target
        if target is None or change.sobject not in target.objects or not _told(target, change):
            return
        new = self._org.store.ids.new("Notification")
        self._waiting.append(_Note(new, change.sobject, change.after["Id"], self._org.now()))
        self._plan(target.delay)

    def _plan(self, delay: float) -> None:
        if not self._due:
            self._due = True
            self._start(self._flush(delay))

    async def _flush(self, delay: float) -> None:
        await asyncio.sleep(delay)
        self._due = False
        target = self._target
        if target is None:
            return
        held: list[_Note] = []
        while self._waiting:
            notes = [self._waiting.popleft()]
            while self._waiting and len(notes) < target.most:
                if self._waiting[0].sobject != notes[0].sobject:
                    break
                notes.append(self._waiting.popleft())
            if self._chance.random() < target.reorder:
                held += notes
            else:
                self._deliver(target, notes)
        held.reverse()
        for start in range(0, len(held), target.most):
            self._start(self._later(target, held[start : start + target.most], target.delay))

    def _deliver(self, target: Target, notes: list[_Note]) -> None:
        self._start(self._send(target, notes))
        if self._chance.random() < target.duplicate:
            self._start(self._later(target, notes, target.delay))

    async def _later(self, target: Target, notes: list[_Note], delay: float) -> None:
        await asyncio.sleep(delay)
        await self._send(target, notes)

    async def _send(self, target: Target, notes: list[_Note]) -> None:
        """Send until it is acknowledged, or too old, or nobody is to be told any more."""
        gap = target.retry
        book = self._org.book.outbound
        while self._target is target:
            alive = [note for note in notes if self._org.now() - note.since < target.give_up]
            message = self._message(target, alive)
            if message is None:
                return
            book["sent"] = book.get("sent", 0) + 1
            if await self._acknowledged(target, message):
                book["acknowledged"] = book.get("acknowledged", 0) + len(alive)
                return
            book["refused"] = book.get("refused", 0) + 1
            await asyncio.sleep(gap)
            gap = min(gap * 2, target.longest_gap)

    async def _acknowledged(self, target: Target, message: bytes) -> bool:
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False)
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        try:
            answer = await self._client.post(
                target.url, content=message, headers=headers, timeout=target.timeout
            )
        except httpx.HTTPError:
            return False
        said = answer.text.replace(" ", "")
        return answer.status_code == _OK and "Ack>true</" in said

    def _message(self, target: Target, notes: list[_Note]) -> bytes | None:
        told = [self._notification(target, note) for note in notes]
        if not any(told):
            return None
        base, org = f"{instance_url()}/services/Soap", ORG_ID[:15]
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<soapenv:Envelope xmlns:soapenv="{_ENVELOPE}" xmlns:xsi="{_INSTANCE}">'
            f'<soapenv:Body><notifications xmlns="{_OUTBOUND}">'
            f"<OrganizationId>{ORG_ID}</OrganizationId><ActionId>{_ACTION}</ActionId>"
            f'<SessionId xsi:nil="true"/><EnterpriseUrl>{base}/c/59.0/{org}</EnterpriseUrl>'
            f"<PartnerUrl>{base}/u/59.0/{org}</PartnerUrl>"
            f"{''.join(told)}</notifications></soapenv:Body></soapenv:Envelope>"
        )
        return text.encode()

    def _notification(self, target: Target, note: _Note) -> str:
        table = self._org.store.table(note.sobject)
        row = table.rows.get(note.record_id)
        if row is None:
            return ""
        cells = [f"<sf:Id>{row['Id']}</sf:Id>"]
        for name in target.fields:
            field = table.sobject.field(name)
            value = None if field is None else _written(shown(field, row))
            if field is not None and value is not None and field.name != "Id":
                cells.append(f"<sf:{field.name}>{escape(value)}</sf:{field.name}>")
        return (
            f'<Notification><Id>{note.id}</Id><sObject xsi:type="sf:{note.sobject}" '
            f'xmlns:sf="{_ENTERPRISE}">{"".join(cells)}</sObject></Notification>'
        )

    def _start(self, work: Any) -> None:  # noqa: ANN401  (a coroutine)
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _told(target: Target, change: Change) -> bool:
    if change.after["IsDeleted"]:
        return False
    if change.before is None:
        return "create" in target.on
    if "any" in target.on and change.fields - _NOISE:
        return True
    if "conversion" in target.on and "IsConverted" in change.fields:
        return True
    return "status" in target.on and bool(change.fields & {"Status", "StageName"})


def _written(value: Any) -> str | None:  # noqa: ANN401  (JSON)
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value).replace(".000+0000", ".000Z")
