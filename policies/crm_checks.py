"""What is wrong with a mapping, told before anything is sent.

It is compared with the CRM's own description of the object: names, rights, types, lengths,
picklists and what is required.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from policies.crm_document import ALWAYS_THERE, CrmMapping, FieldMapping
from policies.crm_mapping import Problem
from policies.crm_records import JSON, Description, Field
from policies.crm_transforms import BooleanWord, MapTable, MultiSelect, Truncate
from policies.crm_values import Kind, Raw, units

_TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "combobox", "encryptedstring"})
_PICKED = frozenset({"picklist", "multipicklist"})
_LINKS = frozenset({"id", "reference"})
_TAKES: Mapping[str, frozenset[Kind]] = {
    **dict.fromkeys(_TEXTS | _PICKED | _LINKS, frozenset({Kind.TEXT, Kind.DAY})),
    "multipicklist": frozenset({Kind.TEXT, Kind.LIST}),
    **dict.fromkeys(("double", "currency", "percent", "int", "long"), frozenset({Kind.NUMBER})),
    "boolean": frozenset({Kind.TRUTH}),
    "date": frozenset({Kind.DAY}),
    "datetime": frozenset({Kind.MOMENT}),
}
_REMEDY: Mapping[Kind, str] = {
    Kind.TEXT: "add the function text (or date, or boolean_word)",
    Kind.NUMBER: "add the function number",
    Kind.TRUTH: "add the function boolean",
    Kind.DAY: "add the function date",
    Kind.MOMENT: "add the function date with style datetime",
}
_LONGEST: Mapping[str, int] = {
    "id": 36,
    "status": 12,
    "tier": 4,
    "country": 2,
    "person.phone": 16,
    "person.email": 80,
    "source": 40,
}
"""Characters that our values have at most, or nearly always; the others know no limit."""


def check(mapping: CrmMapping, description: Description) -> list[Problem]:
    """Return everything that is wrong; a problem that is not fatal may never show."""
    problems = [*_of_key(mapping, description)]
    for field in mapping.fields:
        target = description.field(field.to)
        if target is None:
            problems.append(Problem(field.to, _unknown(field.to, description)))
        else:
            problems.extend(_of_field(field, target))
    problems.extend(_of_required(mapping, description))
    return problems


def check_values(record: Mapping[str, JSON], description: Description) -> list[Problem]:
    """Return what the CRM will say against the values of one record."""
    problems: list[Problem] = []
    for name, value in record.items():
        target = description.field(name)
        if target is None or isinstance(value, Mapping):
            continue
        if value is None and not target.nillable:
            problems.append(Problem(name, "it cannot be emptied there: give a default"))
        elif isinstance(value, str):
            problems.extend(_of_text(name, value, target))
    return problems


def _of_key(mapping: CrmMapping, description: Description) -> Iterator[Problem]:
    name, target = mapping.external_id, description.field(mapping.external_id)
    make = (
        f"create it on {description.sobject}: type Text(36), External ID, Unique, and give our "
        "user the right to edit it"
    )
    if target is None:
        yield Problem(name, f"there is no such field, or our user may not see it; {make}")
    elif not target.external_id:
        yield Problem(name, f"it is no external id, so records cannot be found by it; {make}")
    elif target.type not in _TEXTS or 0 < target.length < 36:
        yield Problem(name, f"it must hold 36 characters of text; {make}")
    elif not (target.createable and target.updateable):
        yield Problem(name, f"our user may not write it; {make}")
    elif not target.unique:
        yield Problem(name, "it is not marked unique: two records may share it", fatal=False)


def _unknown(name: str, description: Description) -> str:
    names = {each.name.casefold(): each.name for each in description.fields}
    close = [names[word] for word in get_close_matches(name.casefold(), names, n=3, cutoff=0.6)]
    told = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"{description.sobject} has no such field, or our user may not see it{told}"


def _of_field(field: FieldMapping, target: Field) -> Iterator[Problem]:
    if target.compound:
        yield Problem(field.to, "it is made of other fields: map those")
    elif not (target.createable and target.updateable):
        when = "ever" if not target.createable else "after it was created"
        yield Problem(field.to, f"our user cannot write it {when}: remove it, or grant the right")
    else:
        yield from _of_chain(field)
        yield from _of_kind(field, target)
        yield from _of_length(field, target)
        yield from _of_picklist(field, target)
        if field.when_empty == "clear" and not target.nillable and field.default is None:
            yield Problem(field.to, "it cannot be emptied there: give a default")


def _of_chain(field: FieldMapping) -> Iterator[Problem]:
    """Whether each function takes what the one before gives."""
    kind = field.first_kind()
    for function in field.transform:
        if kind not in function.takes:
            name = function.model_dump()["name"]
            yield Problem(field.to, f"the function {name} does not take a {kind}")
            return
        kind = function.result()


def _of_kind(field: FieldMapping, target: Field) -> Iterator[Problem]:
    takes = _TAKES.get(target.type)
    kind = field.kind()
    if takes is None or kind in takes:
        return
    wanted = sorted(takes)[0] if Kind.TEXT not in takes else Kind.TEXT
    remedy = _REMEDY.get(wanted, "choose another value")
    if kind is Kind.ANY:
        if wanted is not Kind.TEXT:
            problem = f"it takes a {wanted}, and the value may be anything: {remedy}"
            yield Problem(field.to, problem, fatal=False)
    else:
        yield Problem(field.to, f"it takes a {wanted}, and the value is a {kind}: {remedy}")


def _of_length(field: FieldMapping, target: Field) -> Iterator[Problem]:
    if target.type not in _TEXTS or not target.length:
        return
    for value in (field.constant, field.default):
        if isinstance(value, str) and units(value) > target.length:
            yield Problem(field.to, f"it takes {target.length} characters; the text is longer")
    most = _most(field)
    if field.constant is None and (most is None or most > target.length):
        problem = f"the value may be longer than {target.length}: add truncate as last function"
        yield Problem(field.to, problem, fatal=False)


def _most(field: FieldMapping) -> int | None:
    """Characters that the value has at most; None if nobody knows."""
    if field.transform:
        last = field.transform[-1]
        return last.length if isinstance(last, Truncate) else None
    return _LONGEST.get(field.source or "")


def _of_picklist(field: FieldMapping, target: Field) -> Iterator[Problem]:
    if target.type not in _PICKED or not target.picklist:
        return
    known = set(target.picklist)
    strange = sorted({word for word in _words(field) if word not in known})
    if strange:
        shown = ", ".join(repr(word) for word in strange[:5])
        close = get_close_matches(strange[0], known, n=1, cutoff=0.6)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        problem = f"its picklist does not have {shown}{hint}"
        yield Problem(field.to, problem, fatal=target.restricted)
    if target.restricted and not _closed(field):
        problem = "its picklist is restricted, and the value may be any: add map"
        yield Problem(field.to, problem, fatal=False)


def _words(field: FieldMapping) -> Iterator[str]:
    """Words that are sure to be sent sooner or later."""
    given: list[Raw] = [field.default]
    if not field.transform:
        given.append(field.constant)
    elif isinstance(last := field.transform[-1], MapTable):
        given.extend(last.table.values())
    elif isinstance(last, BooleanWord):
        given.extend((last.yes, last.no))
    elif isinstance(last, MultiSelect):
        given.extend(last.table.values())
    for word in given:
        if isinstance(word, str) and word:
            yield from word.split(";")


def _closed(field: FieldMapping) -> bool:
    """Whether nothing but `_words` can be sent."""
    if not field.transform:
        return field.source is None
    last = field.transform[-1]
    return (
        isinstance(last, BooleanWord)
        or (isinstance(last, MapTable) and last.otherwise == "empty")
        or (isinstance(last, MultiSelect) and bool(last.table))
    )


def _of_required(mapping: CrmMapping, description: Description) -> Iterator[Problem]:
    mapped = {field.to.casefold(): field for field in mapping.fields}
    for target in description.fields:
        if not target.required or target.name.casefold() == mapping.external_id.casefold():
            continue
        field = mapped.get(target.name.casefold())
        if field is None:
            yield Problem(target.name, "it is required there and not mapped: map it")
        elif not _always_filled(field):
            problem = "it is required there, and the value may be missing: give a default"
            yield Problem(target.name, problem, fatal=False)


def _always_filled(field: FieldMapping) -> bool:
    if field.default not in (None, ""):
        return True
    sure = field.source is None or field.source in ALWAYS_THERE
    return sure and not field.transform


def _of_text(name: str, value: str, target: Field) -> Iterator[Problem]:
    if target.length and target.type in _TEXTS and units(value) > target.length:
        told = f"it takes {target.length} characters; the value has {units(value)}: add truncate"
        yield Problem(name, told)
    if target.restricted and target.type in _PICKED:
        unknown = [word for word in value.split(";") if word not in target.picklist]
        if unknown:
            yield Problem(name, "its picklist is restricted and does not have the value: add map")
