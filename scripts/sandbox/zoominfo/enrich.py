"""ZoomInfo's enrichment: who is meant by an input, and what of them is told and billed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from scripts.sandbox.common import CreditBook
from scripts.sandbox.market import names
from scripts.sandbox.market.catalogue import Catalogue, CompanyRecord, Record
from scripts.sandbox.zoominfo import records, words
from scripts.sandbox.zoominfo.errors import Refused
from scripts.sandbox.zoominfo.search import Attributes, hashed, site_domain

MOST_INPUTS = 25
_ABOUT = "/data/attributes"
Input = Mapping[str, Any]
Row = dict[str, Any]


class CreditLimit(Exception):
    """The account does not have what this would cost."""


@dataclass(frozen=True, slots=True)
class Purse:
    """What may be spent.

    Attributes:
        left: credits.
        as_rows: whether what is beyond them is refused row by row, or all of the call.
    """

    book: CreditBook
    left: int
    as_rows: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a call asks for.

    Attributes:
        inputs: about whom, `MOST_INPUTS` at most.
        fields: what of them.
        required: without which they are not wanted at all.
    """

    inputs: Sequence[Input]
    fields: frozenset[str]
    required: frozenset[str]

    @classmethod
    def of(
        cls, asked: Attributes, key: str, known: frozenset[str], fields: frozenset[str]
    ) -> "Wanted":
        """Read it.

        Args:
            key: under which the inputs are.
            known: names that an input may have.
            fields: names that may be wanted.

        Raises:
            Refused: if it cannot be read.
        """
        inputs: Any = asked.get(key)
        where = f"{_ABOUT}/{key}"
        if not isinstance(inputs, list) or not inputs:
            raise Refused("PFAPI0002", f"{key} is required.", where)
        rows: list[Any] = inputs
        if len(rows) > MOST_INPUTS:
            raise Refused("PFAPI0007", f"At most {MOST_INPUTS} inputs are allowed.", where)
        for place, row in enumerate(rows):
            unknown = set(row) - known if isinstance(row, dict) else {"?"}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            if unknown:
                raise Refused(
                    "PFAPI0006",
                    f"Unknown input field: {min(map(str, unknown))}",
                    f"{where}/{place}",
                )
        wanted = _names(asked, "outputFields", fields)
        if not wanted:
            raise Refused("PFAPI0002", "outputFields is required.", f"{_ABOUT}/outputFields")
        return cls(rows, wanted, _names(asked, "requiredFields", fields))


def contacts(wanted: Wanted, catalogue: Catalogue, purse: Purse, today: date) -> list[Row]:
    """Answer each input; bill what is new.

    Raises:
        CreditLimit: if it would cost more than there is, and that refuses the whole call.
    """
    plans = [(one, *_judged(one, wanted, catalogue, today)) for one in wanted.inputs]
    sold = _affordable([r.id for _, _, r in plans if r is not None], purse)
    rows: list[Row] = []
    for one, status, record in plans:
        if record is None:
            rows.append(_no_match(one, status))
        elif record.id not in sold:
            rows.append(_no_match(one, "LIMIT_EXCEEDED"))
        else:
            told = records.contact(record, wanted.fields, today)
            rows.append(_match(record.id, "Contact", told, one, status))
    return rows


def companies(wanted: Wanted, catalogue: Catalogue, purse: Purse) -> list[Row]:
    """The same for companies."""
    plans = [(one, _company(one, catalogue)) for one in wanted.inputs]
    sold = _affordable([c.id for _, c in plans if c is not None], purse)
    rows: list[Row] = []
    for one, found in plans:
        if found is None:
            rows.append(_no_match(one, "NO_MATCH" if one else "INVALID_INPUT"))
        elif found.id not in sold:
            rows.append(_no_match(one, "LIMIT_EXCEEDED"))
        else:
            told = records.company(found, wanted.fields)
            rows.append(_match(found.id, "Company", told, one, "FULL_MATCH"))
    return rows


def _affordable(wanted: Sequence[str], purse: Purse) -> set[str]:
    """Bill what is new and can be paid, and return all that is ours then."""
    new = purse.book.new(wanted)
    if len(new) > purse.left and not purse.as_rows:
        raise CreditLimit
    purse.book.bill(new[: purse.left])
    return {name for name in wanted if not purse.book.new([name])}


def _judged(
    one: Input, wanted: Wanted, catalogue: Catalogue, today: date
) -> tuple[str, Record | None]:
    """What becomes of an input, and the record that answers it, if one does."""
    if not _sufficient(one):
        return "INVALID_INPUT", None
    record = next(_candidates(one, catalogue), None)
    if record is None:
        return "NO_MATCH", None
    if record.person.opted_out:
        return "OPT_OUT", None
    updated = (today - timedelta(days=record.age)).isoformat()
    if updated < str(one.get("lastUpdatedDateAfter", "")):
        return "NON_MATCH_BY_LAST_UPDATED_DATE", None
    if updated < str(one.get("validDateAfter", "")):
        return "NON_MATCH_BY_VALID_DATE", None
    if record.score < float(one.get("contactAccuracyScoreMin") or 0):
        return "NON_MATCH_BY_CONTACT_ACCURACY_MIN", None
    told = records.contact(record, wanted.required, today)
    if any(told.get(name) in (None, "", []) for name in wanted.required if "." not in name):
        return "NON_MATCH_BY_REQUIRED_FIELDS", None
    return "FULL_MATCH", record


def _sufficient(one: Input) -> bool:
    """Whether an input names somebody: a person by an address or id, or a name and a company."""
    if any(one.get(name) for name in ("personId", "emailAddress", "hashedEmail", "externalURL")):
        return True
    named = one.get("fullName") or (one.get("firstName") and one.get("lastName"))
    return bool(named and (one.get("companyName") or one.get("companyId") or one.get("phone")))


def _candidates(one: Input, catalogue: Catalogue) -> Iterator[Record]:
    if one.get("personId"):
        yield from _some(catalogue.by_id.get(str(one["personId"])))
        return
    if one.get("emailAddress"):
        found = catalogue.by_email.get(str(one["emailAddress"]).lower())
        yield from _some(found if found and records.address(found) else None)
    if one.get("hashedEmail"):
        wanted = str(one["hashedEmail"]).lower()
        yield from (r for r in catalogue.records if wanted in hashed(records.address(r)))
    if one.get("externalURL"):
        profile = str(one["externalURL"]).rstrip("/").rpartition("/")[2]
        yield from _some(catalogue.by_profile.get(profile))
    yield from _by_name(one, catalogue)


def _by_name(one: Input, catalogue: Catalogue) -> Iterator[Record]:
    full = str(one.get("fullName") or f"{one.get('firstName', '')} {one.get('lastName', '')}")
    parts = full.split()
    company = names.key(str(one.get("companyName") or ""))
    number = str(one.get("companyId") or "")
    for cut in range(1, len(parts)):
        key = names.key(" ".join(parts[:cut])), names.key(" ".join(parts[cut:]))
        for record in catalogue.by_name.get(key, ()):
            place = record.job.company
            called = {names.key(n) for n in (record.employer.name, place.name, place.legal_name)}
            if (company and company in called) or (number and number == record.employer.id):
                yield record


def _company(one: Input, catalogue: Catalogue) -> CompanyRecord | None:
    if one.get("companyId"):
        return catalogue.companies_by_id.get(str(one["companyId"]))
    if one.get("companyWebsite"):
        return catalogue.companies.get(site_domain(str(one["companyWebsite"])))
    wanted = names.key(str(one.get("companyName") or ""))
    for record in catalogue.companies.values():
        called = (record.name, record.company.name, record.company.legal_name)
        if wanted and wanted in {names.key(name) for name in called}:
            return record
    return None


def _some(record: Record | None) -> Iterator[Record]:
    if record is not None:
        yield record


def _names(asked: Attributes, key: str, known: frozenset[str]) -> frozenset[str]:
    value: Any = asked.get(key, [])
    where = f"{_ABOUT}/{key}"
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):  # pyright: ignore[reportUnknownVariableType]
        raise Refused("PFAPI0003", f"{key} must be a list of strings.", where)
    wanted: frozenset[str] = frozenset(value)  # pyright: ignore[reportUnknownArgumentType]
    if unknown := wanted - known:
        raise Refused("PFAPI0006", f"Invalid value for {key}: {min(unknown)}", where)
    return wanted


def _match(record_id: str, kind: str, told: Row, one: Input, status: str) -> Row:
    meta = {"matchStatus": status, "input": one}
    return {"id": record_id, "type": kind, "attributes": told, "meta": meta}


def _no_match(one: Input, status: str) -> Row:
    return {"id": "0", "type": "NoMatch", "meta": {"matchStatus": status, "input": one}}


CONTACT_INPUT, COMPANY_INPUT = words.MATCH_FIELDS, words.COMPANY_MATCH_FIELDS
