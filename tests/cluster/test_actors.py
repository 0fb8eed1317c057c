"""Workers as Ray actors: they are woken, killed, hung, added and taken away."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from agents.messages import LeadFound, Message, Tick, encode
from cluster.supervisor import Need, Supervisor
from storage import mailbox
from storage.database import Database
from storage.mailbox import Letter
from tests.cluster.tiny import now, tally_role

pytestmark = pytest.mark.cluster
PATIENCE = 30.0


async def test_a_worker_handles_what_is_posted_and_its_hint_arrives(
    fleet: Any, database: Database
) -> None:
    from cluster import actors
    from cluster.wake import Waker

    await fleet.start(tally_role(), 0)
    await until(lambda: handled(database), 0)
    waker = Waker(actors.find)
    await post(database, LeadFound(uuid4()))
    waker.wake(["tally", "nobody"])

    await until(lambda: handled(database), 1)

    status = await fleet.status("agent:tally:0")
    assert status["state"] == "running"
    assert status["main_alive"]
    assert status["done"] == 1


async def test_a_killed_worker_comes_back_and_every_message_takes_effect_once(
    fleet: Any, database: Database
) -> None:
    await fleet.start(tally_role(), 0)
    first = await pid_of(fleet, "agent:tally:0")
    await post(database, *(LeadFound(uuid4()) for _ in range(300)))
    await until(lambda: handled_some(database), 1)

    os.kill(first, signal.SIGKILL)

    await until(lambda: handled(database), 300)
    assert await pid_of(fleet, "agent:tally:0") != first
    assert await waiting(database) == 0


async def test_a_worker_whose_loop_hangs_is_restarted(fleet: Any, database: Database) -> None:
    from cluster.fleet import RayFleet

    hasty = RayFleet("test", patience=timedelta(seconds=0.5))
    supervisor = Supervisor(hasty, {"tally": tally_role()}, "test")
    await hasty.start(tally_role(), 0)
    first = await pid_of(fleet, "agent:tally:0")
    await post(database, Tick("block", now()))
    await until_silent(hasty)
    async with database.transaction() as db:  # else it would hang the restarted one as well
        await db.execute(text("DELETE FROM messages"))

    said = [await supervisor.reconcile(None, now()) for _ in range(2)]

    assert said == [{"agent:tally:0": "missed"}, {"agent:tally:0": "restarted"}]
    assert await pid_of(fleet, "agent:tally:0") != first


async def test_a_worker_killed_for_good_is_started_again(fleet: Any) -> None:
    import ray

    from cluster import actors

    supervisor = Supervisor(fleet, {"tally": tally_role()}, "test")
    assert await supervisor.reconcile(None, now()) == {"agent:tally:0": "started"}
    first = await pid_of(fleet, "agent:tally:0")
    ray.kill(actors.get("agent:tally:0"))
    await until(fleet.names, set[str]())

    assert await supervisor.reconcile(None, now()) == {"agent:tally:0": "started"}

    assert await pid_of(fleet, "agent:tally:0") != first


async def test_a_pool_grows_with_its_backlog_and_shrinks_when_it_is_quiet(fleet: Any) -> None:
    role = tally_role(most=3, per_worker=10)
    supervisor = Supervisor(fleet, {"tally": role}, "test")

    await supervisor.reconcile({"tally": Need(25, 1, 3)}, now())
    assert await fleet.names() == {f"agent:tally:{n}" for n in range(3)}

    await supervisor.reconcile({"tally": Need(0, 1, 3)}, now())
    assert len(await fleet.names()) == 3, "a pool does not flap"

    later = now() + timedelta(minutes=2)
    said = await supervisor.reconcile({"tally": Need(0, 1, 3)}, later)
    assert said["agent:tally:2"] == "leaving"
    await until(fleet.names, {"agent:tally:0", "agent:tally:1"})


async def test_a_worker_of_another_version_is_replaced(fleet: Any) -> None:
    roles = {"tally": tally_role()}
    await Supervisor(fleet, roles, "test").reconcile(None, now())
    first = await pid_of(fleet, "agent:tally:0")
    from cluster.fleet import RayFleet

    newer = RayFleet("newer")
    supervisor = Supervisor(newer, roles, "newer")
    assert await supervisor.reconcile(None, now()) == {"agent:tally:0": "replaced"}

    await until(fleet.names, set[str]())
    await supervisor.reconcile(None, now())

    assert await pid_of(fleet, "agent:tally:0") != first
    assert (await fleet.status("agent:tally:0"))["version"] == "newer"


async def test_a_worker_without_a_database_waits_and_says_so(ray_cluster: Any) -> None:
    from cluster.fleet import RayFleet

    away = "postgresql://nobody@127.0.0.1:1/none"
    fleet = RayFleet("test", {"database_url": away})
    await fleet.start(tally_role(), 7)

    async def said() -> tuple[str, bool]:
        status = await fleet.status("agent:tally:7")
        return status["state"], status["main_alive"]

    await until(said, ("retrying", True))
    await fleet.remove("agent:tally:7")


async def post(database: Database, *messages: Message) -> None:
    letters = [Letter("tally", m.kind, encode(m)) for m in messages]
    async with database.transaction() as db:
        await mailbox.post(db, letters)


async def handled(database: Database) -> int:
    return await number(database, "SELECT count(*) FROM tally")


async def handled_some(database: Database) -> int:
    return await number(database, "SELECT least(count(*), 1) FROM tally")


async def waiting(database: Database) -> int:
    return await number(database, "SELECT count(*) FROM messages")


async def number(database: Database, query: str) -> int:
    async with database.transaction() as db:
        return int((await db.execute(text(query))).scalar_one())


async def pid_of(fleet: Any, name: str) -> int:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return int((await fleet.status(name))["pid"])
            except Exception:  # noqa: BLE001 - it restarts: ask again
                await asyncio.sleep(0.1)


async def until_silent(fleet: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await fleet.status("agent:tally:0")
            except TimeoutError:
                return
            await asyncio.sleep(0.1)


async def until(look: Callable[[], Awaitable[Any]], wanted: object) -> None:
    seen: Any = None
    try:
        async with asyncio.timeout(PATIENCE):
            while (seen := await look()) != wanted:  # noqa: ASYNC110 - nothing tells us
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"saw {seen!r}, not {wanted!r}, within {PATIENCE:.0f} s")
