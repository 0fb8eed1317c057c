"""Algorithms over HTTP: made, tried out, fitted, compared, switched with a reason."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from storage import scoring
from tests.serve.conftest import World

BASE = "/api/scoring/algorithms"
WEIGHTED = {
    "kind": "weighted",
    "base_rate": 0.1,
    "features": [
        {"feature": "seniority", "levels": {"director": 1.2}},
        {"feature": "Total Visits", "weight": 0.8, "when": {"at_least": 3}},
    ],
}
GOOD = {"auc": 0.80, "auc_low": 0.78, "auc_high": 0.82, "ece": 0.01}
POOR = {"auc": 0.70, "auc_low": 0.68, "auc_high": 0.72, "ece": 0.01}


async def made(world: World, definition: dict[str, Any], name: str = "mine") -> dict[str, Any]:
    answer = await world.client.post(BASE, json={"name": name, "definition": definition})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def fitted(world: World, report: dict[str, Any]) -> str:
    """A learned algorithm as the analyst leaves it, with a template's points."""
    new = await made(world, {"kind": "learned"})
    async with world.database.transaction() as db:
        await scoring.set_fitting(db, UUID(new["id"]))
        await scoring.set_fitted(
            db, UUID(new["id"]), definition={"kind": "template"}, report=report
        )
    return new["id"]


async def test_versions_of_one_name_are_numbered(world: World) -> None:
    first, second = await made(world, WEIGHTED), await made(world, {"kind": "learned"})

    assert (first["version"], first["status"]) == (1, "challenger")
    assert (second["version"], second["status"]) == (2, "draft")
    assert first["created_by"] == "key:admin"
    listed = (await world.client.get(f"{BASE}?status=draft")).json()["items"]
    assert [item["id"] for item in listed] == [second["id"]]
    assert "definition" not in listed[0]
    assert (await world.client.get(f"{BASE}/{first['id']}")).json() == first


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"kind": "magic"},
        {"kind": "weighted", "features": []},
        {"kind": "weighted", "features": [{"feature": "a"}]},
        {"kind": "weighted", "base_rate": 2, "features": [{"feature": "a", "weight": 1}]},
        {"kind": "template", "industry": "witchcraft"},
        {"kind": "learned", "model": {"intercept": 0, "features": []}},
        {"kind": "trees", "model": {"text": "tree", "features": []}},
        {"kind": "ensemble", "base": {"kind": "trees"}},
        {"kind": "ensemble", "base": {"kind": "template"}, "rubric": {"fitted_on": 9}},
    ],
)
async def test_a_definition_that_is_none_is_refused_with_its_place(
    world: World, definition: dict[str, Any]
) -> None:
    answer = await world.client.post(BASE, json={"name": "x", "definition": definition})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("definition")


async def test_fitting_is_asked_of_the_analyst_once(world: World) -> None:
    new = await made(world, {"kind": "learned", "settings": {"exclude": ["Tags"]}})
    path = f"{BASE}/{new['id']}/fit"
    answers = [await world.client.post(path) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["status"] == "fitting"
    async with world.database.transaction() as db:
        posted = (await db.execute(text("SELECT recipient, body FROM messages"))).all()
    assert [(row.recipient, row.body["algorithm_id"]) for row in posted] == [("analyst", new["id"])]


async def test_what_learns_nothing_is_not_fitted(world: World) -> None:
    new = await made(world, WEIGHTED)

    assert (await world.client.post(f"{BASE}/{new['id']}/fit")).status_code == 409


async def test_an_unfitted_algorithm_cannot_score(world: World) -> None:
    new = await made(world, {"kind": "learned"})
    activated = await world.client.post(f"{BASE}/{new['id']}/activate", json={"reason": "x"})
    tried = await world.client.post(
        "/api/scoring/test", json={"algorithm_id": new["id"], "leads": [{"features": {}}]}
    )

    assert (activated.status_code, tried.status_code) == (409, 409)


async def test_a_switch_is_made_once_and_recorded_with_its_reason(world: World) -> None:
    new = await made(world, WEIGHTED)
    path = f"{BASE}/{new['id']}/activate"
    first = await world.client.post(path, json={"reason": "We know our buyers."})
    again = await world.client.post(path, json={"reason": "Again."})

    assert first.json()["active"]["status"] == "active"
    assert first.json()["former"]["name"] == "general"
    assert again.status_code == 200
    assert (await world.client.get("/api/status")).json()["active_algorithm"]["id"] == new["id"]
    decided = (await world.client.get("/api/decisions?action=algorithm.activate")).json()["items"]
    assert len(decided) == 1
    assert decided[0]["reasons"][0] == "We know our buyers."
    assert decided[0]["agent"] == "key:admin"


async def test_a_worse_challenger_is_refused_with_reasons_unless_forced(world: World) -> None:
    good = await fitted(world, {"newest": GOOD})
    await world.client.post(f"{BASE}/{good}/activate", json={"reason": "better"})
    poor = await fitted(world, {"newest": POOR})
    compared = (await world.client.get(f"{BASE}/{poor}/compare")).json()
    path = f"{BASE}/{poor}/activate"

    refused = await world.client.post(path, json={"reason": "try"})
    forced = await world.client.post(path, json={"reason": "try", "force": True})

    assert compared["verdict"] == "objected"
    assert refused.status_code == 409
    assert "less well" in refused.json()["detail"]
    assert forced.status_code == 200
    turned = (await world.client.get(f"{BASE}/{good}/compare", params={"with": poor})).json()
    assert turned["verdict"] == "better"


async def test_the_analysts_own_comparison_counts(world: World) -> None:
    said = {"promote": False, "reasons": ["Too few outcomes to tell."]}
    new = await fitted(world, {"comparison": said})

    answer = await world.client.post(f"{BASE}/{new}/activate", json={"reason": "try"})

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["message"] == "Too few outcomes to tell."


async def test_an_algorithm_that_never_scored_is_deleted_the_active_one_not(world: World) -> None:
    new = await made(world, WEIGHTED)
    active = (await world.client.get("/api/status")).json()["active_algorithm"]["id"]

    assert (await world.client.delete(f"{BASE}/{new['id']}")).status_code == 204
    assert (await world.client.get(f"{BASE}/{new['id']}")).status_code == 404
    assert (await world.client.delete(f"{BASE}/{active}")).status_code == 409


async def test_samples_are_scored_with_reasons_and_nothing_is_kept(world: World) -> None:
    samples = [
        {"features": {"seniority": "director", "Total Visits": 5}},
        {"features": {"seniority": None, "Total Visits": 0}},
        {"features": {}},
    ]
    answer = await world.client.post(
        "/api/scoring/test", json={"definition": WEIGHTED, "leads": samples}
    )

    scores = answer.json()["items"]
    assert scores[0]["score"] > scores[1]["score"]
    assert scores[0]["parts"][0]["name"] in {"seniority", "Total Visits"}
    assert scores[0]["reasoning"]
    async with world.database.transaction() as db:
        assert await db.scalar(text("SELECT count(*) FROM scoring_results")) == 0


async def test_there_are_at_least_six_templates_and_each_can_be_tried(world: World) -> None:
    templates = (await world.client.get("/api/scoring/templates")).json()["items"]

    assert len(templates) >= 6
    for each in templates:
        definition = {"kind": "template", "industry": each["industry"]}
        answer = await world.client.post(
            "/api/scoring/test", json={"definition": definition, "leads": [{"features": {}}]}
        )
        assert answer.status_code == 200
        assert 0 < each["base_rate"] < 1
        assert each["features"]
