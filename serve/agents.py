"""Agents over HTTP: how they are doing, pause and resume."""

from collections.abc import Awaitable
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from policies.decision import Decision
from serve.calls import Answer, Caller, Effects
from serve.problems import Problem
from serve.scopes import Scope
from serve.shapes.operations import AgentList, AgentOut, Pause, WorkerOut
from serve.table import Routes
from storage import agents
from storage.agents import AgentOverview

ALL = "all"
POLICY = "operator"
Role = Annotated[str, Path(pattern=r"^[a-z][a-z_]{0,39}$", description="of the agent, or `all`")]


def add_routes(router: APIRouter) -> None:
    """Add what can be done with agents."""
    routes = Routes(router, "agents")
    routes.add("GET", "/api/agents", list_agents, Scope.AGENTS_READ, answer=AgentList)
    routes.add(
        "POST",
        "/api/agents/{role}/pause",
        pause_agent,
        Scope.AGENTS_WRITE,
        answer=AgentList,
        problems=(404,),
    )
    routes.add(
        "POST",
        "/api/agents/{role}/resume",
        resume_agent,
        Scope.AGENTS_WRITE,
        answer=AgentList,
        problems=(404,),
    )


async def list_agents(call: Caller) -> AgentList:
    """Tell how every agent is doing: backlog, workers, pauses."""
    async with call.reading() as db:
        found = await agents.overview(db, now=call.now)
    return AgentList(items=[shown(each) for each in found])


async def pause_agent(role: Role, body: Pause, call: Caller) -> Response:
    """Stop an agent (or all) from taking messages; turns under way end as they would."""

    async def pause(effects: Effects) -> Answer:
        who = _which(role)
        await _known(
            agents.pause(effects.db, who, by=effects.actor, reason=body.reason, now=effects.now)
        )
        return await _decided(effects, role, "agent.pause", "paused", body.reason)

    return await call.change(pause)


async def resume_agent(role: Role, call: Caller) -> Response:
    """Let an agent (or all) take messages again."""

    async def resume(effects: Effects) -> Answer:
        await _known(agents.resume(effects.db, _which(role), now=effects.now))
        answer = await _decided(effects, role, "agent.resume", "resumed", "An operator asked.")
        effects.roles |= {each.role for each in _items(answer)}
        return answer

    return await call.change(resume)


def shown(agent: AgentOverview) -> AgentOut:
    """Show an agent."""
    return AgentOut(
        role=agent.role,
        paused=agent.paused,
        paused_by=agent.paused_by,
        paused_reason=agent.paused_reason,
        least_workers=agent.bounds.least,
        most_workers=agent.bounds.most,
        waiting=agent.waiting,
        delayed=agent.delayed,
        dead=agent.dead,
        oldest_seconds=None if agent.oldest is None else agent.oldest.total_seconds(),
        workers=[
            WorkerOut(
                name=worker.name,
                started_at=worker.started_at,
                beat_at=worker.beat_at,
                report=dict(worker.report),
            )
            for worker in agent.workers
        ],
    )


async def _known(switched: Awaitable[int]) -> None:
    try:
        await switched
    except agents.NoSuchAgent as error:
        raise Problem(404, "not_found", f"{error}; see GET /api/agents.") from None


def _which(role: str) -> str | None:
    return None if role == ALL else role


async def _decided(effects: Effects, role: str, action: str, verdict: str, reason: str) -> Answer:
    found = await agents.overview(effects.db, now=effects.now)
    items = [shown(each) for each in found if role in {ALL, each.role}]
    await effects.decide(Decision(action, None, verdict, (reason,), POLICY, {"role": role}))
    return Answer(200, AgentList(items=items))


def _items(answer: Answer) -> list[AgentOut]:
    return answer.body.items if isinstance(answer.body, AgentList) else []
