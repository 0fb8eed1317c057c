"""Which values a record may have: required fields, validation rules, duplicates.

An org checks in this order: the fields themselves, what is required, its own validation rules,
its duplicate rules, and what must be unique.
"""

from collections.abc import Mapping
from typing import Any

from scripts.sandbox.salesforce.errors import Problem, Refused
from scripts.sandbox.salesforce.fields import Field, Unfit
from scripts.sandbox.salesforce.ids import PREFIXES, whole
from scripts.sandbox.salesforce.sobject import SObject
from scripts.sandbox.salesforce.store import Row, Store

POISON = "poison"
"""A Lead whose Company contains it (in any case) is always refused."""
_MOST_SCORE = 100
_SKIPPED = {"attributes"}


def taken(store: Store, sobject: SObject, given: Mapping[str, Any]) -> Row:
    """The given values as they are stored, by the real names of their fields.

    Raises:
        Refused: at the first that does not fit.
    """
    row: Row = {}
    for name, value in given.items():
        if name in _SKIPPED:
            continue
        field = sobject.field(name)
        if field is None:
            field, value = _followed(store, sobject, name, value)
        if not field.writable:
            raise _not_writable(field)
        try:
            row[field.name] = field.taken(value)
        except Unfit as error:
            raise Refused(error.problem) from None
        if field.type == "reference" and row[field.name] is not None:
            row[field.name] = _pointed(store, field, row[field.name])
    return row


def check(store: Store, sobject: SObject, row: Row, *, changed: Row) -> Problem | None:
    """What speaks against saving a whole record, duplicates of people aside."""
    missing = [f.name for f in sobject.fields.values() if f.required and row.get(f.name) is None]
    if missing:
        told = f"Required fields are missing: [{', '.join(missing)}]"
        return Problem("REQUIRED_FIELD_MISSING", told, missing)
    return _validated(row) or _unique(store, sobject, row, changed)


def same_person(
    store: Store, sobject: SObject, row: Row, *, allow_save: bool, version: str
) -> Problem | None:
    """The duplicate rule's answer, if another live record has the same e-mail address."""
    email = row.get("Email")
    table = store.table(sobject.name)
    if email is None or not table.is_indexed("Email"):
        return None
    others = [
        found
        for found in table.found("Email", email)
        if found != row["Id"] and not table.rows[found].get("IsConverted")
    ]
    return _duplicates(sobject.name, others, allow_save=allow_save, version=version)


def _followed(
    store: Store,
    sobject: SObject,
    name: str,
    value: Any,  # noqa: ANN401
) -> tuple[Field, str]:
    """The reference that ``{"Account": {"Ext__c": "x"}}`` means, with the id that it finds."""
    field = sobject.related(name)
    if field is None or not isinstance(value, dict):
        told = f"No such column '{name}' on sobject of type {sobject.name}"
        raise Refused.because("INVALID_FIELD", told, None)
    named = {key: text for key, text in value.items() if key not in _SKIPPED}
    for key, text in named.items():
        table = store.table(field.refers[0])
        found_by = table.sobject.field(key)
        if found_by is not None and table.is_indexed(found_by.name):
            found = table.found(found_by.name, str(text))
            if len(found) == 1:
                return field, found[0]
            told = f"Foreign key external ID: {text} not found for field {key} in entity"
            raise Refused.because("INVALID_FIELD", f"{told} {field.refers[0]}", [])
    told = f"No external id of {field.refers[0]} is given for {name}"
    raise Refused.because("INVALID_FIELD", told, None)


def _not_writable(field: Field) -> Refused:
    if field.name == "Id":
        told = "cannot specify Id in an insert call"
    else:
        told = (
            f"Unable to create/update fields: {field.name}. Please check the security settings of "
            "this field and verify that it is read/write for your profile or permission set."
        )
    return Refused.because("INVALID_FIELD_FOR_INSERT_UPDATE", told, [field.name])


def _pointed(store: Store, field: Field, value: str) -> str:
    full = whole(value)
    if full is None or full[:3] not in {PREFIXES[name] for name in field.refers}:
        told = f"{field.label}: id value of incorrect type: {value}"
        raise Refused.because("MALFORMED_ID", told, [field.name])
    target = store.table(field.refers[0]).rows.get(full)
    if target is None or target["IsDeleted"]:
        told = "invalid cross reference id"
        raise Refused.because("INVALID_CROSS_REFERENCE_KEY", told, [field.name])
    return full


def _validated(row: Row) -> Problem | None:
    code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    if POISON in str(row.get("Company", "")).lower():
        return Problem(code, "Leads of this company are not accepted.", ["Company"])
    score = row.get("LeadEngine_Score__c")
    if score is not None and not 0 <= score <= _MOST_SCORE:
        return Problem(code, "The score must be from 0 to 100.", ["LeadEngine_Score__c"])
    return None


def _unique(store: Store, sobject: SObject, row: Row, changed: Row) -> Problem | None:
    table = store.table(sobject.name)
    for name in changed:
        field = sobject.fields[name]
        if not field.unique or row.get(name) is None:
            continue
        others = [found for found in table.found(name, row[name]) if found != row["Id"]]
        if others:
            told = f"duplicate value found: {name} duplicates value on record with id: {others[0]}"
            return Problem("DUPLICATE_VALUE", told, [])
    return None


def _duplicates(
    sobject: str, others: list[str], *, allow_save: bool, version: str
) -> Problem | None:
    if not others:
        return None
    told = "Use one of these records?" if allow_save else "You're creating a duplicate record."
    base = f"/services/data/v{version}/sobjects/{sobject}"
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": sobject, "url": f"{base}/{one}"}, "Id": one},
        }
        for one in others
    ]
    match = {
        "entityType": sobject,
        "errors": [],
        "matchEngine": "FuzzyMatchEngine",
        "matchRecords": records,
        "rule": f"Standard_{sobject}_Match_Rule_v1_0",
        "size": len(records),
        "success": True,
    }
    result = {
        "allowSave": allow_save,
        "duplicateRule": f"Standard_{sobject}_Duplicate_Rule",
        "duplicateRuleEntityType": sobject,
        "errorMessage": told,
        "matchResults": [match],
    }
    return Problem("DUPLICATES_DETECTED", told, [], more={"duplicateResut": result})
