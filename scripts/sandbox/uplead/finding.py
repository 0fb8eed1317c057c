"""Whom or what UpLead finds for one identifying question."""

from typing import Any

from scripts.sandbox.market import names
from scripts.sandbox.market.catalogue import Catalogue, CompanyRecord, Record
from scripts.sandbox.uplead.search import BadRequest, Values

_MOST_HITS = 10


def person(catalogue: Catalogue, values: Values) -> Record | None:
    """The person with an id, an address, or a name at a domain.

    Raises:
        BadRequest: if none of these is given.
    """
    if "id" in values:
        return catalogue.by_id.get(values["id"][0].lower())
    if "email" in values:
        return catalogue.by_email.get(values["email"][0].lower())
    if not {"first_name", "last_name", "domain"} <= values.keys():
        raise BadRequest("email, id, or first_name, last_name and domain are required.")
    name = names.key(values["first_name"][0]), names.key(values["last_name"][0])
    domain = values["domain"][0].lower().removeprefix("www.")
    namesakes = catalogue.by_name.get(name, ())
    return next((r for r in namesakes if r.job.company.domain == domain), None)


def company(catalogue: Catalogue, values: Values) -> CompanyRecord | None:
    """The company with an id, a domain or a name.

    Raises:
        BadRequest: if none of these is given.
    """
    if "id" in values:
        return catalogue.companies_by_id.get(values["id"][0].lower())
    if "domain" in values:
        return catalogue.companies.get(values["domain"][0].lower().removeprefix("www."))
    if "company" not in values:
        raise BadRequest("domain, company or id is required.")
    return company_named(catalogue, values["company"][0])


def company_named(catalogue: Catalogue, name: str) -> CompanyRecord | None:
    """The first company that is called so, with or without its legal form."""
    wanted = names.key(name)
    for record in catalogue.companies.values():
        known = (record.name, record.company.name, record.company.legal_name)
        if wanted in {names.key(one) for one in known}:
            return record
    return None


def quickly(catalogue: Catalogue, values: Values) -> list[dict[str, Any]]:
    """The first who or which has a text in the name; shows no address and costs nothing.

    Raises:
        BadRequest: if it is not said who or what.
    """
    text = values.get("text", ("",))[0].casefold()
    kind = values.get("type", ("",))[0]
    if kind not in {"contact", "company"} or not text:
        raise BadRequest("type must be contact or company, and text is required.")
    if kind == "company":
        hits = (c for c in catalogue.companies.values() if text in c.name.casefold())
        told = [{"id": c.id, "company_name": c.name, "domain": c.company.domain} for c in hits]
    else:
        told = [
            {"id": r.id, "first_name": r.first_name, "last_name": r.last_name, "title": r.title}
            for r in catalogue.records
            if text in f"{r.first_name} {r.last_name}".casefold()
        ]
    return told[:_MOST_HITS]
