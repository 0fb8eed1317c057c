"""Profiles over HTTP: whom we look for, by name."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from serve.calls import Answer, Caller, Effects, IdempotencyKey
from serve.problems import Problem
from serve.scopes import Scope
from serve.shapes.sources import PROFILE_NAME, NewProfile, ProfileIn, ProfileList, ProfileOut
from serve.table import Routes
from storage import profiles
from storage.profiles import ProfileExists

ProfileNamePath = Annotated[
    str, Path(alias="name", pattern=PROFILE_NAME, description="of the profile")
]


def add_routes(router: APIRouter) -> None:
    """Add what can be done with profiles."""
    routes = Routes(router, "sources")
    base, one = "/api/profiles", "/api/profiles/{name}"
    routes.add("GET", base, list_profiles, Scope.SOURCES_READ, answer=ProfileList)
    routes.add(
        "POST",
        base,
        create_profile,
        Scope.SOURCES_WRITE,
        answer=ProfileOut,
        status=201,
        problems=(409,),
        headers={"Location": "address of the profile"},
    )
    routes.add("GET", one, get_profile, Scope.SOURCES_READ, answer=ProfileOut, problems=(404,))
    routes.add("PUT", one, change_profile, Scope.SOURCES_WRITE, answer=ProfileOut)
    routes.add("DELETE", one, delete_profile, Scope.SOURCES_WRITE, status=204, problems=(404,))


async def list_profiles(call: Caller) -> ProfileList:
    """List every profile: those that come with the engine, and those that were kept."""
    async with call.reading() as db:
        found = await profiles.all(db)
    return ProfileList(items=[ProfileOut.of(each) for each in found])


async def get_profile(name: ProfileNamePath, call: Caller) -> ProfileOut:
    """Read a profile."""
    async with call.reading() as db:
        return ProfileOut.of(await profiles.get(db, name))


async def create_profile(body: NewProfile, call: Caller, key: IdempotencyKey = None) -> Response:
    """Keep a profile. One that comes with the engine is then hidden by one of its name."""
    wanted = body.profile()

    async def create(effects: Effects) -> Answer:
        try:
            made = await profiles.create(
                effects.db, body.name, wanted, created_by=effects.actor, now=effects.now
            )
        except ProfileExists as error:
            raise Problem(409, "profile_exists", f"{error}.", field="name") from None
        location = {"Location": f"/api/profiles/{made.name}"}
        return Answer(201, ProfileOut.of(made), location)

    return await call.once(key, create)


async def change_profile(name: ProfileNamePath, body: ProfileIn, call: Caller) -> Response:
    """Keep a profile in place of the one of its name. Searches under way keep theirs."""
    wanted = body.profile()

    async def change(effects: Effects) -> Answer:
        made = await profiles.put(
            effects.db, name, wanted, created_by=effects.actor, now=effects.now
        )
        return Answer(200, ProfileOut.of(made))

    return await call.change(change)


async def delete_profile(name: ProfileNamePath, call: Caller) -> Response:
    """Forget a kept profile; one of its name that comes with the engine is there again."""

    async def delete(effects: Effects) -> Answer:
        await profiles.delete(effects.db, name)
        return Answer(204)

    return await call.change(delete)
