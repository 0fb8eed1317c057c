"""Scoring algorithms over HTTP: make, fit, compare, switch."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from agents.messages import FitAlgorithm
from policies.algorithm import Definition, DefinitionError, NotFitted, dump_definition, scorecard_of
from policies.decision import Decision
from serve.calls import Answer, Caller, Effects, IdempotencyKey
from serve.champions import compare
from serve.problems import FieldError, Problem
from serve.scopes import Scope
from serve.shapes.scoring import (
    Activated,
    Activation,
    AlgorithmList,
    AlgorithmOut,
    AlgorithmSummary,
    Comparison,
    NewAlgorithm,
    NewDefinition,
    definition_of,
)
from serve.table import Routes
from storage import scoring
from storage.scoring import AlgorithmStatus, StoredAlgorithm

POLICY = "scoring/promotion@1"
SAME_FOR = 60
AlgorithmId = Annotated[UUID, Path(alias="id", description="of the algorithm")]


def add_routes(router: APIRouter) -> None:
    """Add what can be done with algorithms."""
    routes = Routes(router, "scoring")
    base, read, write = "/api/scoring/algorithms", Scope.SCORING_READ, Scope.SCORING_WRITE
    one = f"{base}/{{id:uuid}}"
    routes.add("GET", base, list_algorithms, read, answer=AlgorithmList)
    routes.add(
        "POST",
        base,
        create_algorithm,
        write,
        answer=AlgorithmOut,
        status=201,
        problems=(404, 409),
        headers={"Location": "address of the algorithm"},
    )
    routes.add("GET", one, get_algorithm, read, answer=AlgorithmOut, problems=(404,))
    routes.add("DELETE", one, delete_algorithm, write, status=204, problems=(404, 409))
    routes.add(
        "POST",
        f"{one}/fit",
        fit_algorithm,
        write,
        answer=AlgorithmSummary,
        status=202,
        problems=(404, 409),
        costly=True,
    )
    routes.add(
        "GET",
        f"{one}/compare",
        compare_algorithms,
        read,
        answer=Comparison,
        problems=(404,),
    )
    routes.add(
        "POST",
        f"{one}/activate",
        activate_algorithm,
        write,
        answer=Activated,
        problems=(404, 409),
    )


async def list_algorithms(call: Caller, status: AlgorithmStatus | None = None) -> AlgorithmList:
    """List every version of every algorithm, newest first, without definitions."""
    async with call.reading() as db:
        found = await scoring.all_algorithms(db, status=status)
    return AlgorithmList(items=[AlgorithmSummary.of(each) for each in found])


async def create_algorithm(
    body: NewAlgorithm, call: Caller, key: IdempotencyKey = None
) -> Response:
    """Make a new version of an algorithm.

    `weighted`, `template` and ensembles of these can score at once; `learned` and `trees` must be
    fitted first.
    """
    definition = checked(body.definition)

    async def create(effects: Effects) -> Answer:
        if body.parent_id is not None:
            await scoring.get(effects.db, body.parent_id)
        made = await scoring.create(
            effects.db,
            name=body.name,
            definition=dump_definition(definition),
            ready=_ready(definition),
            created_by=effects.actor,
            now=effects.now,
            parent_id=body.parent_id,
        )
        place = {"Location": f"/api/scoring/algorithms/{made.id}"}
        return Answer(201, AlgorithmOut.of(made), place)

    return await call.once(key, create)


async def get_algorithm(algorithm_id: AlgorithmId, call: Caller) -> AlgorithmOut:
    """Read an algorithm with its definition and how it did."""
    async with call.reading() as db:
        return AlgorithmOut.of(await scoring.get(db, algorithm_id))


async def delete_algorithm(algorithm_id: AlgorithmId, call: Caller) -> Response:
    """Delete an algorithm that never scored a lead."""

    async def delete(effects: Effects) -> Answer:
        await scoring.delete_draft(effects.db, algorithm_id)
        return Answer(204)

    return await call.change(delete)


async def fit_algorithm(algorithm_id: AlgorithmId, call: Caller) -> Response:
    """Let the analyst learn the algorithm from the outcomes known so far."""

    async def fit(effects: Effects) -> Answer:
        stored = await scoring.get(effects.db, algorithm_id)
        if stored.kind not in {"learned", "trees", "ensemble"}:
            raise Problem(409, "nothing_to_fit", f"A {stored.kind} algorithm learns nothing.")
        fitting = await scoring.set_fitting(effects.db, algorithm_id)
        slot = int(effects.now.timestamp()) // SAME_FOR
        await effects.post(
            "analyst", [FitAlgorithm(algorithm_id)], keys=[f"fit:{algorithm_id}:{slot}"]
        )
        return Answer(202, AlgorithmSummary.of(fitting))

    return await call.change(fit)


async def compare_algorithms(
    algorithm_id: AlgorithmId,
    call: Caller,
    other: Annotated[
        UUID | None, Query(alias="with", description="the champion; the active one if left out")
    ] = None,
) -> Comparison:
    """Compare an algorithm with another by outcomes that neither had seen."""
    async with call.reading() as db:
        challenger = await scoring.get(db, algorithm_id)
        champion = await scoring.active(db) if other is None else await scoring.get(db, other)
    if champion is None:
        raise Problem(404, "not_found", "No algorithm is active: name one in `with`.")
    found = compare(challenger, champion)
    return Comparison(
        challenger=AlgorithmSummary.of(challenger),
        champion=AlgorithmSummary.of(champion),
        verdict=found.verdict,
        reasons=list(found.reasons),
        challenger_report=_report(challenger),
        champion_report=_report(champion),
    )


async def activate_algorithm(algorithm_id: AlgorithmId, body: Activation, call: Caller) -> Response:
    """Let an algorithm score from now on.

    Refused (409, with the reasons) if it did worse than the active one on outcomes that neither
    had seen, unless `force` is true. The switch is recorded as a decision.
    """

    async def activate(effects: Effects) -> Answer:
        wanted = await scoring.get(effects.db, algorithm_id)
        champion = await scoring.active(effects.db)
        found = compare(wanted, champion)
        if found.verdict == "objected" and not body.force:
            raise _refused(found.reasons)
        former = await scoring.activate(effects.db, algorithm_id, now=effects.now)
        active = await scoring.get(effects.db, algorithm_id)
        reasons = (body.reason, *found.reasons)
        if former is None or former.id != algorithm_id:
            await effects.decide(_switch(active, former, reasons, forced=body.force))
        return Answer(200, _activated(active, former, reasons))

    return await call.change(activate)


def checked(new: NewDefinition) -> Definition:
    """Return the definition that was sent.

    Raises:
        Problem: 422 with each fault.
    """
    try:
        return definition_of(new)
    except DefinitionError as error:
        errors = [
            FieldError(field="definition", reason="invalid_field", message=each)
            for each in error.problems
        ]
        raise Problem(422, "invalid_field", f"The definition: {error}", errors=errors) from None


def _ready(definition: Definition) -> bool:
    try:
        scorecard_of(definition)
    except NotFitted:
        return False
    return True


def _report(stored: StoredAlgorithm) -> dict[str, object] | None:
    return None if stored.report is None else dict(stored.report)


def _refused(reasons: tuple[str, ...]) -> Problem:
    errors = [FieldError(field="", reason="not_promoted", message=each) for each in reasons]
    detail = f"{' '.join(reasons)} Send force: true to activate it all the same."
    return Problem(409, "not_promoted", detail, errors=errors)


def _activated(
    active: StoredAlgorithm, former: StoredAlgorithm | None, reasons: tuple[str, ...]
) -> Activated:
    return Activated(
        active=AlgorithmSummary.of(active),
        former=None if former is None else AlgorithmSummary.of(former),
        reasons=list(reasons),
    )


def _switch(
    active: StoredAlgorithm,
    former: StoredAlgorithm | None,
    reasons: tuple[str, ...],
    *,
    forced: bool,
) -> Decision:
    inputs = {
        "algorithm": str(active.id),
        "former": None if former is None else str(former.id),
        "report": active.report,
        "former_report": None if former is None else former.report,
        "forced": forced,
    }
    return Decision("algorithm.activate", None, "activated", reasons, POLICY, inputs)
