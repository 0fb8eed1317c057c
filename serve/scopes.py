"""What a key may do, and the roles that are given to people by name."""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Scope(StrEnum):
    """One permission."""

    LEADS_READ = "leads:read"
    LEADS_WRITE = "leads:write"
    SCORING_READ = "scoring:read"
    SCORING_WRITE = "scoring:write"
    SOURCES_READ = "sources:read"
    SOURCES_WRITE = "sources:write"
    CRM_READ = "crm:read"
    CRM_WRITE = "crm:write"
    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    DECISIONS_READ = "decisions:read"
    LEDGER_READ = "ledger:read"
    KEYS_WRITE = "keys:write"
    METRICS_READ = "metrics:read"


class Role(StrEnum):
    """A set of scopes."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


_VIEWER = frozenset(scope for scope in Scope if scope.endswith(":read"))
ROLES: Mapping[Role, frozenset[Scope]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _VIEWER
    | {
        Scope.LEADS_WRITE,
        Scope.SCORING_WRITE,
        Scope.SOURCES_WRITE,
        Scope.CRM_WRITE,
        Scope.AGENTS_WRITE,
    },
    Role.ADMIN: frozenset(Scope),
}


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes among ``names``; one that this release does not know grants nothing."""
    known = {scope.value for scope in Scope}
    return frozenset(Scope(name) for name in names if name in known)
