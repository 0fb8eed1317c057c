"""What a sales person does in the org meanwhile: ``POST /_sandbox/salesforce/act``.

``{"do": "convert", "count": 5}`` converts five open Leads. Which records are meant is said by
``ids``, ``external_ids`` or ``count`` (drawn from all that are live and not converted); ``object``
is Lead unless said otherwise. ``status`` needs ``to``; ``edit`` and ``create`` need ``fields``;
``merge`` keeps the first of each pair (or of ``ids``) and deletes the others.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from scripts.sandbox.salesforce.conversion import Wish, convert
from scripts.sandbox.salesforce.errors import Refused, not_found
from scripts.sandbox.salesforce.ids import whole
from scripts.sandbox.salesforce.org import Org
from scripts.sandbox.salesforce.schema import CONVERTED
from scripts.sandbox.salesforce.sobject import SObject
from scripts.sandbox.salesforce.store import Row
from scripts.sandbox.salesforce.writes import SALES_USER, How

_EXTERNAL = "LeadEngine_Id__c"


class Act(BaseModel):
    """What a sales person is told to do.

    Attributes:
        to: the new ``Status`` (of an Opportunity: ``StageName``).
        opportunity: whether a conversion makes one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    do: Literal["convert", "status", "edit", "create", "delete", "undelete", "merge"]
    object: str = "Lead"
    ids: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()
    count: int = Field(default=0, ge=0)
    to: str = ""
    fields: dict[str, Any] = Field(default_factory=dict)
    opportunity: bool = True


class People:
    """Sales people at work.

    Args:
        org: where.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._how = How(SALES_USER, allow_save=True)

    def act(self, order: Act) -> dict[str, Any]:
        """Do it; which records it was done to, and what was refused.

        Raises:
            Refused: if there is no such object, or a record of it is not there.
        """
        sobject = self._org.schema.find(order.object)
        if sobject is None or not sobject.writable:
            raise not_found()
        done: list[dict[str, Any]] = []
        refused: list[dict[str, str]] = []
        for target in self._targets(order, sobject):
            try:
                done.append(self._one(order, sobject, target))
            except Refused as error:
                problem = error.problem
                refused.append({"id": target, "code": problem.code, "message": problem.message})
        ids = [each["id"] for each in done]
        return {"done": len(done), "ids": ids, "records": done, "refused": refused}

    def _targets(self, order: Act, sobject: SObject) -> Sequence[str]:
        if order.do == "create":
            return [""] * max(1, order.count)
        table = self._org.store.table(sobject.name)
        ids = [whole(one) or one for one in order.ids]
        for external in order.external_ids:
            ids += table.found(_EXTERNAL, external) if table.is_indexed(_EXTERNAL) else []
        if ids or order.external_ids:
            return [",".join(ids)] if order.do == "merge" else ids
        gone = order.do == "undelete"
        every = [
            row["Id"]
            for row in table.rows.values()
            if row["IsDeleted"] == gone and not row.get("IsConverted")
        ]
        wanted = order.count * (2 if order.do == "merge" else 1)
        drawn = self._org.chance.sample(every, min(wanted, len(every)))
        if order.do != "merge":
            return drawn
        return [",".join(drawn[start : start + 2]) for start in range(0, len(drawn) - 1, 2)]

    def _one(self, order: Act, sobject: SObject, target: str) -> dict[str, Any]:
        writer, how = self._org.writer, self._how
        match order.do:
            case "convert":
                wish = Wish(target, CONVERTED, no_opportunity=not order.opportunity)
                made = convert(self._org, wish, how)
                return self._told(sobject, made.lead_id) | {
                    "account_id": made.account_id,
                    "contact_id": made.contact_id,
                    "opportunity_id": made.opportunity_id,
                }
            case "create":
                return self._told(sobject, writer.insert(sobject, order.fields, how))
            case "status":
                name = "StageName" if sobject.name == "Opportunity" else "Status"
                writer.update(sobject, target, {name: order.to}, how)
            case "edit":
                writer.update(sobject, target, order.fields, how)
            case "delete":
                writer.delete(sobject, target, how)
            case "undelete":
                writer.undelete(sobject, target, how)
            case "merge":
                return self._merged(sobject, target.split(","))
        return self._told(sobject, target)

    def _merged(self, sobject: SObject, ids: Sequence[str]) -> dict[str, Any]:
        writer, how = self._org.writer, self._how
        master, *others = [writer.live(sobject, one) for one in ids]
        for other in others:
            filled = {name: value for name, value in other.items() if name not in master}
            gone = {**other, "MasterRecordId": master["Id"], "IsDeleted": True}
            writer.put(sobject, other, gone, how)
            master = {**filled, **master}
        writer.put(sobject, writer.live(sobject, ids[0]), master, how)
        return self._told(sobject, ids[0]) | {"merged": [other["Id"] for other in others]}

    def _told(self, sobject: SObject, record_id: str) -> dict[str, Any]:
        row: Row = self._org.store.table(sobject.name).rows[record_id]
        return {"id": row["Id"], "external_id": row.get(_EXTERNAL)}
