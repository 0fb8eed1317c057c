"""Nobody gets in without a key, nobody does what their key does not allow, nobody asks for ever."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi.routing import APIRoute

from serve.app import PUBLIC, build
from serve.routing import declared, refuse_open_routes
from serve.scopes import ROLES, Role, Scope
from storage import api_keys
from tests.serve.conftest import World, dependencies

SAMPLES = {
    "id:uuid": str(UUID(int=7)),
    "id:int": "7",
    "id": "abcdefgh",
    "role": "scorer",
    "name": "fintech-eu",
}


def operations(world: World) -> list[tuple[str, str, Scope]]:
    found: list[tuple[str, str, Scope]] = []
    for route in world.app.routes:
        if isinstance(route, APIRoute) and (needs := declared(route)):
            path = re.sub(r"\{(\w+:?\w*)\}", lambda m: SAMPLES[m[1]], route.path)
            found += [(method, path, needs.scope) for method in route.methods]
    return found


async def test_every_operation_refuses_a_caller_without_a_key(world: World) -> None:
    del world.client.headers["Authorization"]
    assert len(operations(world)) > 30
    for method, path, _ in operations(world):
        answer = await world.client.request(method, path)
        assert answer.status_code == 401, (method, path)
        assert answer.json()["code"] == "AUTHENTICATION_ERROR"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_every_operation_refuses_a_key_with_every_scope_but_its_own(world: World) -> None:
    keys = {scope: await world.key(*(set(Scope) - {scope})) for scope in Scope}
    for method, path, scope in operations(world):
        answer = await world.client.request(method, path, headers=keys[scope])
        assert answer.status_code == 403, (method, path)
        assert answer.json()["code"] == "AUTHORIZATION_ERROR"
        assert scope.value in answer.json()["detail"]


async def test_every_operation_lets_in_exactly_the_roles_that_have_its_scope(world: World) -> None:
    for method, path, scope in operations(world):
        for role in Role:
            answer = await world.client.request(method, path, headers=world.as_role(role))
            allowed = scope in ROLES[role]
            assert (answer.status_code not in {401, 403}) is allowed, (method, path, role)
            assert answer.status_code < 500, (method, path, answer.text)


async def test_an_application_with_a_route_without_scope_does_not_start(world: World) -> None:
    app = build(dependencies(world.database, world.clock, []))

    async def leak() -> None: ...

    app.router.add_api_route("/api/leak", leak)

    with pytest.raises(RuntimeError, match="/api/leak"):
        refuse_open_routes(app.routes, PUBLIC)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer lge_live_abcdefgh_short",
        "Bearer ' OR 1=1 --",
        "Bearer " + "x" * 5000,
        "bearer null",
    ],
)
async def test_a_malformed_key_is_refused(world: World, header: str) -> None:
    answer = await world.client.get("/api/leads", headers={"Authorization": header})

    assert answer.status_code == 401
    assert header.strip() not in answer.text or len(header.strip()) < 8


async def test_a_key_with_one_letter_changed_is_refused(world: World) -> None:
    good = world.keys[Role.ADMIN]
    for place in (len("lge_live_"), len(good) // 2, len(good) - 1):
        changed = good[:place] + ("a" if good[place] != "a" else "b") + good[place + 1 :]
        answer = await world.client.get(
            "/api/leads", headers={"Authorization": f"Bearer {changed}"}
        )
        assert answer.status_code == 401


async def test_a_revoked_key_opens_nothing_within_thirty_seconds(world: World) -> None:
    viewer = world.as_role(Role.VIEWER)
    assert (await world.client.get("/api/leads", headers=viewer)).status_code == 200
    async with world.database.transaction() as db:
        await api_keys.revoke(db, viewer["Authorization"].split("_")[2], now=world.clock())

    world.clock.forward(seconds=30)

    assert (await world.client.get("/api/leads", headers=viewer)).status_code == 401


async def test_a_key_revoked_here_opens_nothing_at_once(world: World) -> None:
    viewer = world.as_role(Role.VIEWER)
    assert (await world.client.get("/api/leads", headers=viewer)).status_code == 200
    key_id = viewer["Authorization"].split("_")[2]

    assert (await world.client.delete(f"/api/keys/{key_id}")).status_code == 204

    assert (await world.client.get("/api/leads", headers=viewer)).status_code == 401


async def test_an_expired_key_opens_nothing_though_it_was_believed(world: World) -> None:
    soon = world.clock() + timedelta(seconds=5)
    made = await world.client.post(
        "/api/keys", json={"name": "brief", "role": "viewer", "expires_at": soon.isoformat()}
    )
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    assert (await world.client.get("/api/leads", headers=key)).status_code == 200

    world.clock.forward(seconds=5)

    assert (await world.client.get("/api/leads", headers=key)).status_code == 401


async def test_too_many_bad_keys_from_one_address_are_told_to_wait(small_world: World) -> None:
    bad = {"Authorization": "Bearer lge_live_wrong"}
    answers = [await small_world.client.get("/api/leads", headers=bad) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert (await small_world.client.get("/api/leads")).status_code == 200


async def test_a_key_is_told_what_is_left_and_then_to_wait(small_world: World) -> None:
    answers = [await small_world.client.get("/api/leads") for _ in range(21)]

    assert answers[0].headers["RateLimit-Policy"] == '"requests";q=20;w=60'
    assert answers[0].headers["RateLimit"].startswith('"requests";r=19;t=')
    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] == "RATE_LIMIT_ERROR"
    assert int(answers[-1].headers["Retry-After"]) > 0
    others = await small_world.client.get("/api/leads", headers=small_world.as_role(Role.VIEWER))
    assert others.status_code == 200


async def test_nobody_gives_scopes_they_lack(world: World) -> None:
    limited = await world.key("keys:write", "leads:read")

    refused = await world.client.post(
        "/api/keys", json={"name": "more", "scopes": ["leads:write"]}, headers=limited
    )
    made = await world.client.post(
        "/api/keys", json={"name": "same", "scopes": ["leads:read"]}, headers=limited
    )

    assert refused.status_code == 403
    assert made.status_code == 201


async def test_a_new_key_works_and_is_shown_once(world: World) -> None:
    once = {"Idempotency-Key": "k1"}
    made = await world.client.post("/api/keys", json={"name": "m", "role": "viewer"}, headers=once)
    again = await world.client.post("/api/keys", json={"name": "m", "role": "viewer"}, headers=once)
    key = made.json()["key"]

    assert (
        await world.client.get("/api/leads", headers={"Authorization": f"Bearer {key}"})
    ).status_code == 200
    assert again.json()["id"] == made.json()["id"]
    assert again.json()["key"] is None
    listed = await world.client.get("/api/keys")
    assert key not in listed.text
    assert "hash" not in listed.text


async def test_a_key_cannot_revoke_itself(world: World) -> None:
    own = world.keys[Role.ADMIN].split("_")[2]

    assert (await world.client.delete(f"/api/keys/{own}")).status_code == 409
