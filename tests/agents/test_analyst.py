import random
from datetime import timedelta
from typing import Any

import pytest

from agents.analyst import Analyst
from agents.messages import FitAlgorithm, LeadEnriched, LeadFound, encode
from policies.algorithm import Definition, Ensemble, Learned, Settings, Template, dump_definition
from policies.lead import LeadDraft
from storage import leads, mailbox, scoring
from storage.database import Database
from storage.mailbox import Letter
from storage.scoring import AlgorithmStatus, StoredAlgorithm
from tests.agents.import_room import SEALER
from tests.agents.scoring_room import Room
from tests.flows.harness import Fleet
from tests.scripted import START


@pytest.fixture
async def room(database: Database) -> Room:
    room = Room(database, SEALER, judge=None)
    await room.open(Template())
    return room


def people(count: int, *, seed: int = 1, flipped: bool = False) -> list[LeadDraft]:
    """Leads that mostly convert on the gold plan, or mostly on the other one."""
    chance = random.Random(seed)
    made: list[LeadDraft] = []
    for n in range(count):
        gold, visits = chance.random() < 0.5, chance.randrange(20)
        rate = (0.8 if gold != flipped else 0.2) * (0.3 + visits / 28)
        made.append(
            LeadDraft(
                source="file",
                external_id=f"{seed}-{n}",
                attributes={
                    "plan": "gold" if gold else "tin",
                    "visits": str(visits),
                    "stage": "won" if (won := chance.random() < rate) else "lost",
                },
                outcome=won,
            )
        )
    return made


async def keep(room: Room, drafts: list[LeadDraft], *, after: timedelta = timedelta()) -> None:
    async with room.database.transaction() as db:
        await leads.keep(db, SEALER, drafts, now=START + after)


async def fit(room: Room, definition: Definition, name: str = "ours") -> StoredAlgorithm:
    async with room.database.transaction() as db:
        made = await scoring.create(
            db,
            name=name,
            definition=dump_definition(definition),
            ready=False,
            created_by="test",
            now=START,
        )
        message = FitAlgorithm(made.id)
        await mailbox.post(db, [Letter("analyst", message.kind, encode(message))], now=START)
    await Fleet(room.database, lambda: [Analyst(room.clock)], room.clock).finish()
    async with room.database.transaction() as db:
        return await scoring.get(db, made.id)


def report(fitted: StoredAlgorithm) -> dict[str, Any]:
    assert fitted.report is not None, fitted.problem
    return dict(fitted.report)


WITHOUT_LEAK = Learned(settings=Settings(exclude=("stage",)))


async def test_a_fit_reports_what_it_learned_on_leads_it_had_not_seen(room: Room) -> None:
    await keep(room, people(800))

    fitted = await fit(room, WITHOUT_LEAK)

    found = report(fitted)
    assert fitted.status is AlgorithmStatus.CHALLENGER
    assert 0.7 < found["cross_validated"]["auc"] < 0.95
    assert found["dropped"]["stage"] == "excluded by you"
    assert found["trees"]["cross_validated"]["auc"] > 0.65
    assert fitted.definition["training"]["until"] is not None


async def test_a_column_that_knows_the_outcome_is_named_before_anyone_asks(room: Room) -> None:
    await keep(room, people(800))

    found = report(await fit(room, Learned()))

    assert "stage" in str(found["leaks"])


async def test_a_better_challenger_may_replace_a_template(room: Room) -> None:
    await keep(room, people(800))

    compared = report(await fit(room, WITHOUT_LEAK))["comparison"]

    assert compared["promote"], compared["reasons"]
    assert compared["challenger"]["auc"] > compared["champion"]["auc"]
    (decision,) = await room.rows("SELECT * FROM decisions")
    assert (decision["action"], decision["verdict"]) == ("recommend_algorithm", "promote")


async def test_a_learned_champion_is_not_judged_on_what_it_learned_from(room: Room) -> None:
    await keep(room, people(600))
    champion = await fit(room, WITHOUT_LEAK, "champion")
    async with room.database.transaction() as db:
        await scoring.activate(db, champion.id, now=START)

    compared = report(await fit(room, WITHOUT_LEAK, "same"))["comparison"]

    assert compared["champion"]["auc"] == pytest.approx(compared["challenger"]["auc"])
    assert compared["promote"]


async def test_after_the_world_has_changed_the_newer_outcomes_judge(room: Room) -> None:
    await keep(room, people(600))
    champion = await fit(room, WITHOUT_LEAK, "champion")
    async with room.database.transaction() as db:
        await scoring.activate(db, champion.id, now=START)
    await keep(room, people(900, seed=2, flipped=True), after=timedelta(days=30))

    compared = report(await fit(room, WITHOUT_LEAK, "newer"))["comparison"]

    assert compared["champion"]["n"] == 900
    assert compared["challenger"]["auc"] > compared["champion"]["auc"] + 0.1


async def test_too_few_outcomes_are_said_not_raised(room: Room) -> None:
    await keep(room, people(3))

    fitted = await fit(room, Learned())

    assert fitted.status is AlgorithmStatus.FAILED
    assert fitted.problem is not None
    assert "at least 5 leads that converted" in fitted.problem


async def test_what_cannot_learn_says_so(room: Room) -> None:
    await keep(room, people(60))

    fitted = await fit(room, Template())

    assert fitted.problem is not None
    assert "nothing to learn" in fitted.problem


async def test_the_rubrics_weight_is_learned_where_leads_were_judged(database: Database) -> None:
    room = Room(database, SEALER)
    await room.open(Ensemble(base=Template()))
    await keep(room, people(160))
    ids = [row["id"] for row in await room.rows("SELECT id FROM leads")]
    assert room.judge is not None
    room.judge.by_word = {"won": 4, "lost": 0}
    await room.tell([LeadEnriched(lead_id) for lead_id in ids])
    await room.work()

    fitted = await fit(room, Ensemble(base=WITHOUT_LEAK))

    found = report(fitted)
    assert found["judged"] == 160
    assert found["rubric"]["fitted_on"] == 160
    assert found["rubric"]["weight"] > 0.6


async def test_a_message_of_another_kind_is_refused(room: Room) -> None:
    message = LeadFound(leads_id := (await room.rows("SELECT gen_random_uuid() id"))[0]["id"])
    async with room.database.transaction() as db:
        await mailbox.post(db, [Letter("analyst", message.kind, encode(message))], now=START)

    await Fleet(room.database, lambda: [Analyst(room.clock)], room.clock).finish()

    (dead,) = await room.rows("SELECT * FROM dead_letters")
    assert dead["body"]["lead_id"] == str(leads_id)
