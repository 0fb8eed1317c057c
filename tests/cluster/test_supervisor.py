"""What the supervisor decides, over a fleet of made-up workers; real ones: test_actors."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.roles import Role
from cluster.supervisor import Need, Supervisor
from cluster.worker_names import actor_name, parse_name
from tests.cluster.tiny import tally_role

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WELL = {"main_alive": True, "version": "1"}


@dataclass
class MadeUpFleet:
    """Workers by name with what they say; an exception is what they answer instead."""

    workers: dict[str, Any] = field(default_factory=dict)
    restarted: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    async def names(self) -> set[str]:
        return set(self.workers)

    async def status(self, name: str) -> Mapping[str, Any]:
        answer = self.workers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def start(self, role: Role, number: int) -> None:
        self.workers[actor_name(role.name, number)] = WELL

    async def restart(self, name: str) -> None:
        self.restarted.append(name)

    async def remove(self, name: str) -> None:
        self.removed.append(name)
        self.workers.pop(name)


def supervisor(fleet: MadeUpFleet, **changes: Any) -> Supervisor:
    return Supervisor(fleet, {"tally": tally_role(**changes)}, "1")


async def test_the_first_look_starts_what_is_declared() -> None:
    fleet = MadeUpFleet()
    assert await supervisor(fleet, least=2, most=4).reconcile(None, NOW) == {
        "agent:tally:0": "started",
        "agent:tally:1": "started",
    }


async def test_one_missed_answer_is_forgiven_two_in_a_row_are_not() -> None:
    fleet = MadeUpFleet({"agent:tally:0": TimeoutError()})
    watch = supervisor(fleet)
    await watch.reconcile(None, NOW)
    fleet.workers["agent:tally:0"] = WELL
    await watch.reconcile(None, NOW)
    fleet.workers["agent:tally:0"] = TimeoutError()
    await watch.reconcile(None, NOW)
    assert fleet.restarted == []

    await watch.reconcile(None, NOW)

    assert fleet.restarted == ["agent:tally:0"]


async def test_a_worker_whose_loop_is_over_is_restarted_at_once() -> None:
    fleet = MadeUpFleet({"agent:tally:0": {"main_alive": False, "version": "1"}})
    assert await supervisor(fleet).reconcile(None, NOW) == {"agent:tally:0": "restarted"}


async def test_a_worker_of_a_role_that_is_gone_is_let_go() -> None:
    fleet = MadeUpFleet({"agent:tally:0": WELL, "agent:old:0": WELL})
    done = await supervisor(fleet).reconcile(None, NOW)
    await asyncio.sleep(0)
    assert done == {"agent:tally:0": "well", "agent:old:0": "leaving"}
    assert fleet.removed == ["agent:old:0"]


async def test_a_pool_keeps_its_size_while_the_database_is_away() -> None:
    fleet = MadeUpFleet({f"agent:tally:{n}": WELL for n in range(3)})
    done = await supervisor(fleet, most=4).reconcile(None, NOW + timedelta(hours=1))
    assert set(done.values()) == {"well"}


async def test_a_pool_follows_its_backlog_within_the_bounds_of_the_operator() -> None:
    fleet = MadeUpFleet()
    watch = supervisor(fleet, most=8, per_worker=10)
    await watch.reconcile({"tally": Need(waiting=1000, least=1, most=3)}, NOW)
    assert len(fleet.workers) == 3


async def test_a_quiet_pool_shrinks_one_by_one_down_to_its_least() -> None:
    fleet = MadeUpFleet({f"agent:tally:{n}": WELL for n in range(3)})
    watch = supervisor(fleet, most=3)
    now, sizes = NOW, list[int]()
    for _ in range(5):
        await watch.reconcile({"tally": Need(0, 1, 3)}, now)
        await asyncio.sleep(0)
        sizes.append(len(fleet.workers))
        now += timedelta(minutes=2)
    assert sizes == [3, 2, 1, 1, 1]


def test_names_of_workers_are_told_from_others() -> None:
    assert parse_name(actor_name("scorer", 12)) == ("scorer", 12)
    assert parse_name("SERVE_CONTROLLER_ACTOR") is None
    assert parse_name("agent:scorer:x") is None
