"""Try a scoring algorithm on samples, and see the industry templates."""

import asyncio
from collections.abc import Sequence
from math import exp

from fastapi import APIRouter

from policies.algorithm import Definition, NotFitted, parse_definition
from policies.features import LeadFeatures
from policies.scorecard import Scorecard
from policies.scoring import Algorithm, Evidence, Score
from policies.templates import Industry, template
from serve.calls import Caller
from serve.problems import Problem
from serve.scopes import Scope
from serve.scoring import checked
from serve.shapes.scores import ScoreList, ScoreOut
from serve.shapes.scoring import (
    TemplateFeature,
    TemplateList,
    TemplateOut,
    TestOfNew,
    TestOfStored,
)
from serve.table import Routes
from storage import scoring

NOT_ASKED = "GPT-4 is not asked about samples"
What = TestOfStored | TestOfNew


def add_routes(router: APIRouter) -> None:
    """Add trying out."""
    routes = Routes(router, "scoring")
    routes.add(
        "POST",
        "/api/scoring/test",
        test_algorithm,
        Scope.SCORING_READ,
        answer=ScoreList,
        problems=(404, 409),
        costly=True,
    )
    routes.add(
        "GET", "/api/scoring/templates", list_templates, Scope.SCORING_READ, answer=TemplateList
    )


async def test_algorithm(body: What, call: Caller) -> ScoreList:
    """Score samples with an algorithm that is kept, or with a definition that is not yet.

    Nothing is kept and GPT-4 is not asked: an algorithm that wants its rubric scores without it.
    """
    match body:
        case TestOfStored(algorithm_id=algorithm_id):
            async with call.reading() as db:
                stored = await scoring.get(db, algorithm_id)
            definition = parse_definition(stored.definition)
        case TestOfNew(definition=new):
            definition = checked(new)
    samples = [LeadFeatures(dict(sample.features)) for sample in body.leads]
    try:
        scores = await asyncio.to_thread(_scores, definition, samples)
    except NotFitted as error:
        raise Problem(409, "not_fitted", f"{str(error).capitalize()}.") from None
    return ScoreList(items=[ScoreOut.of(score) for score in scores])


async def list_templates() -> TemplateList:
    """List what we know of each industry before any outcome."""
    return TemplateList(items=[_shown(industry, template(industry)) for industry in Industry])


def _scores(definition: Definition, samples: Sequence[LeadFeatures]) -> list[Score]:
    algorithm = Algorithm(definition)
    evidence = Evidence(absent=NOT_ASKED) if algorithm.asks_rubric else Evidence()
    return algorithm.score(samples, [evidence] * len(samples))


def _shown(industry: Industry, card: Scorecard) -> TemplateOut:
    return TemplateOut(
        industry=industry,
        words=industry.words,
        base_rate=round(1 / (1 + exp(-card.intercept)), 4),
        features=[
            TemplateFeature(name=feature.name, kind=feature.kind, states=len(feature.points))
            for feature in card.features
        ],
    )
