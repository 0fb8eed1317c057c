"""What an object of the org is, and how ``describe`` tells it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scripts.sandbox.salesforce.fields import Field
from scripts.sandbox.salesforce.ids import PREFIXES


@dataclass(frozen=True)
class SObject:
    """One kind of record.

    Attributes:
        fields: by name, in the order of ``describe``.
        writable: whether the API may change its records.
        by_lower: fields by lower-case name.
        by_relation: references by the lower-case name under which a query follows them.
    """

    name: str
    label: str
    fields: Mapping[str, Field]
    by_lower: Mapping[str, Field]
    by_relation: Mapping[str, Field]
    writable: bool = True

    def field(self, name: str) -> Field | None:
        """The field of that name, whatever its case."""
        return self.fields.get(name) or self.by_lower.get(name.lower())

    def related(self, name: str) -> Field | None:
        """The reference that a query follows under that name."""
        return self.by_relation.get(name.lower())

    def described(self, version: str) -> dict[str, Any]:
        """The object as ``describe`` tells it."""
        fields = [field.described() for field in self.fields.values()]
        return {**self.summary(version), "fields": fields, "recordTypeInfos": []}

    def summary(self, version: str) -> dict[str, Any]:
        """The object as the list of all objects tells it."""
        base = f"/services/data/v{version}/sobjects/{self.name}"
        urls = {
            "sobject": base,
            "describe": f"{base}/describe",
            "rowTemplate": f"{base}/{{ID}}",
        }
        can = self.writable
        return {
            "name": self.name,
            "label": self.label,
            "labelPlural": f"{self.label}s",
            "keyPrefix": PREFIXES[self.name],
            "custom": False,
            "customSetting": False,
            "createable": can,
            "updateable": can,
            "deletable": can,
            "undeletable": can,
            "queryable": True,
            "retrieveable": True,
            "searchable": True,
            "urls": urls,
            "mergeable": self.name in {"Lead", "Contact", "Account"},
            "replicateable": True,
            "layoutable": True,
            "triggerable": True,
            "deprecatedAndHidden": False,
        }

    @classmethod
    def of(
        cls, name: str, label: str, fields: Iterable[Field], *, writable: bool = True
    ) -> "SObject":
        """An object with these fields."""
        own = list(fields)
        return cls(
            name,
            label,
            {field.name: field for field in own},
            {field.name.lower(): field for field in own},
            {field.relation.lower(): field for field in own if field.relation},
            writable,
        )


class Schema:
    """All objects, found by name whatever its case."""

    def __init__(self, objects: Iterable[SObject]) -> None:
        self._objects = {each.name: each for each in objects}
        self._by_lower = {each.name.lower(): each for each in objects}

    def __iter__(self) -> Iterator[SObject]:
        return iter(self._objects.values())

    def find(self, name: str) -> SObject | None:
        """The object of that name."""
        return self._objects.get(name) or self._by_lower.get(name.lower())
