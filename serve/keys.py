"""API keys over HTTP: make, list, revoke. Nobody can give what they do not have."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from policies.decision import Decision
from serve.calls import Answer, Caller, Effects, IdempotencyKey
from serve.problems import Problem, not_found
from serve.scopes import Scope
from serve.shapes.operations import KeyList, KeyOut, MadeKey, NewKey
from serve.table import Routes
from storage import api_keys
from storage.api_keys import ApiKey

POLICY = "operator"
KeyId = Annotated[str, Path(alias="id", pattern=r"^[a-z0-9]{8}$", description="of the key")]


def add_routes(router: APIRouter) -> None:
    """Add what can be done with keys."""
    routes = Routes(router, "keys")
    routes.add("GET", "/api/keys", list_keys, Scope.KEYS_WRITE, answer=KeyList)
    routes.add(
        "POST",
        "/api/keys",
        make_key,
        Scope.KEYS_WRITE,
        answer=MadeKey,
        status=201,
        problems=(409,),
    )
    routes.add(
        "DELETE", "/api/keys/{id}", revoke_key, Scope.KEYS_WRITE, status=204, problems=(404, 409)
    )


async def list_keys(call: Caller) -> KeyList:
    """List every key, newest first, revoked and expired ones too."""
    async with call.reading() as db:
        found = await api_keys.list_keys(db)
    return KeyList(items=[KeyOut(**_shown(key)) for key in found])


async def make_key(body: NewKey, call: Caller, key: IdempotencyKey = None) -> Response:
    """Make a key. Its text is in this answer and nowhere else."""
    if lacking := body.granted() - call.principal.scopes:
        names = ", ".join(sorted(lacking))
        raise Problem(403, "missing_scope", f"You cannot give what you lack: {names}.")
    if body.expires_at is not None and body.expires_at <= call.now:
        detail = "A key that has expired already opens nothing: choose a later time."
        raise Problem(409, "expired", detail, field="expires_at")

    async def make(effects: Effects) -> Answer:
        made, text = await api_keys.create(
            effects.db, body.name, body.granted(), expires_at=body.expires_at, now=effects.now
        )
        await effects.decide(_decision("key.make", "made", made.id, made.scopes))
        return Answer(201, MadeKey(**_shown(made), key=text))

    return await call.once(key, make, kept=_without_secret)


async def revoke_key(key_id: KeyId, call: Caller) -> Response:
    """Revoke a key; it opens nothing more within 30 seconds."""
    if key_id == call.principal.id:
        raise Problem(409, "own_key", "A key cannot revoke itself: use another admin's key.")

    async def revoke(effects: Effects) -> Answer:
        if not await api_keys.revoke(effects.db, key_id, now=effects.now):
            raise not_found("key", key_id)
        await effects.decide(_decision("key.revoke", "revoked", key_id, ()))
        return Answer(204)

    answer = await call.change(revoke)
    call.api.gate.forget(key_id)
    return answer


def _decision(action: str, verdict: str, key_id: str, scopes: Iterable[str]) -> Decision:
    inputs = {"key": key_id, "scopes": sorted(scopes)}
    return Decision(action, None, verdict, ("An administrator asked.",), POLICY, inputs)


def _without_secret(answer: Answer) -> Answer:
    if isinstance(answer.body, MadeKey):
        return replace(answer, body=answer.body.model_copy(update={"key": None}))
    return answer


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }
