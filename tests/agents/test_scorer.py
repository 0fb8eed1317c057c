from datetime import timedelta

import pytest

from agents.errors import AnswerError, VendorError
from agents.messages import LeadFound, Rescore
from agents.scorer.calls import PURPOSE
from agents.scorer.questions import Caps
from policies.algorithm import Template
from policies.failure import THRESHOLD
from policies.lead import LeadStatus
from policies.llm import Usage
from policies.llm_prices import price
from storage import leads
from storage.database import Database
from storage.sealing import Sealer
from tests.agents.scoring_room import RICH, Room
from tests.scripted import USAGE, ScriptedJudge

COST = price("gpt-4.1-mini", USAGE)
SOON = timedelta(milliseconds=10)


@pytest.fixture
async def room(database: Database, sealer: Sealer) -> Room:
    room = Room(database, sealer)
    await room.open()
    return room


async def test_an_enriched_lead_is_scored_explained_and_paid_for(room: Room) -> None:
    (lead_id,) = await room.enriched(1)

    await room.work()

    async with room.database.transaction() as db:
        lead = await leads.get(db, room.sealer, lead_id)
    assert lead.status is LeadStatus.SCORED
    assert lead.score is not None
    assert "decision_maker" in lead.tags
    (result,) = await room.results()
    assert result["judges"] == ["scorecard", "rubric"]
    assert result["low"] <= result["score"] <= result["high"]
    assert "Fits well." in result["detail"]["reasoning"]
    assert result["detail"]["follow_ups"] == ["Call tomorrow."]
    assert await room.spent() == {"usd_micro": (0, COST), "tokens": (0, USAGE.total)}
    assert "lead.scored" in await room.timeline(lead_id)


async def test_every_score_is_a_decision_with_its_inputs(room: Room) -> None:
    (lead_id,) = await room.enriched(1)

    await room.work()

    (decision,) = await room.rows("SELECT * FROM decisions")
    (result,) = await room.results()
    assert decision["subject"] == lead_id
    assert decision["verdict"] == str(result["score"])
    assert decision["policy"] == "scoring/default@1"
    assert decision["inputs"]["levels"]["fit"] == 3


async def test_the_model_never_sees_who_the_lead_is(room: Room) -> None:
    await room.enriched(3)

    await room.work()

    assert room.judge is not None
    shown = " ".join(room.judge.asked)
    assert "CEO" in shown
    assert "Ada" not in shown
    assert "Byron" not in shown
    assert "@" not in shown


async def test_an_unchanged_lead_is_not_paid_for_twice(room: Room) -> None:
    ids = await room.enriched(2)
    await room.work()

    await room.tell([Rescore(lead_id) for lead_id in ids])
    await room.work()

    assert room.judge is not None
    assert len(room.judge.billed) == 2
    assert len(await room.results()) == 4
    assert (await room.spent())["usd_micro"] == (0, 2 * COST)


async def test_a_whole_batch_is_one_turn_and_each_lead_one_call(room: Room) -> None:
    await room.enriched(40)

    await room.work()

    assert room.judge is not None
    assert len(room.judge.billed) == 40
    assert len({row["lead_id"] for row in await room.results()}) == 40
    assert await room.states() == {"committed": 40}


async def test_without_a_key_leads_are_scored_and_say_so(
    database: Database, sealer: Sealer
) -> None:
    room = Room(database, sealer, judge=None)
    await room.open()
    await room.enriched(1)

    await room.work()

    (result,) = await room.results()
    assert result["judges"] == ["scorecard"]
    assert "Without GPT-4 (no key is set)" in result["detail"]["reasoning"]


async def test_the_days_cap_is_never_passed_and_the_rest_is_scored(
    database: Database, sealer: Sealer
) -> None:
    room = Room(database, sealer, caps=Caps(usd_micro=9_000, tokens=RICH.tokens))
    await room.open()
    await room.enriched(30)

    await room.work()

    held, spent = (await room.spent())["usd_micro"]
    results = await room.results()
    asked = [row for row in results if "rubric" in row["judges"]]
    told = [row for row in results if "cap for it is reached" in row["detail"]["reasoning"]]
    assert len(results) == 30
    assert 0 < len(asked) < 30
    assert len(asked) + len(told) == 30
    assert held == 0
    assert spent == len(asked) * COST <= 9_000


async def test_an_algorithm_without_rubric_asks_nobody(room: Room) -> None:
    await room.rows_done("DELETE FROM scoring_algorithms")
    await room.open(Template())
    await room.enriched(2)

    await room.work()

    assert room.judge is not None
    assert not room.judge.asked
    assert await room.spent() == {}


async def test_a_refusal_is_paid_for_and_the_lead_scored_without_it(room: Room) -> None:
    room.judge = ScriptedJudge(
        failures=[AnswerError("openai", "the model refused", retry_after=None, usage=USAGE)]
    )
    await room.enriched(1)

    await room.work()

    (result,) = await room.results()
    assert "the model refused" in result["detail"]["reasoning"]
    assert (await room.spent())["usd_micro"] == (0, COST)


async def test_a_malformed_answer_is_asked_for_again_and_both_are_paid(room: Room) -> None:
    bad = AnswerError("openai", "no RubricAnswer", retry_after=timedelta(), usage=Usage(100, 0, 5))
    room.judge = ScriptedJudge(failures=[bad])
    await room.enriched(1)

    await room.work()

    (result,) = await room.results()
    assert "rubric" in result["judges"]
    assert await room.states() == {"committed": 2}
    assert (await room.spent())["tokens"] == (0, USAGE.total + 105)


async def test_a_call_that_was_turned_away_costs_nothing_and_is_made_again(room: Room) -> None:
    busy = VendorError("openai", "status 429", retry_after=SOON, throttled=True)
    room.judge = ScriptedJudge(failures=[busy])
    await room.enriched(1)

    await room.work()

    assert await room.states() == {"committed": 1, "released": 1}
    assert "rubric" in (await room.results())[0]["judges"]


async def test_a_vendor_that_is_away_opens_the_breaker_and_the_rest_scores(room: Room) -> None:
    away = VendorError("openai", "no connection", retry_after=SOON)
    room.judge = ScriptedJudge(failures=[away] * 16)
    await room.enriched(THRESHOLD * 2)

    await room.work()

    results = await room.results()
    assert len(results) == THRESHOLD * 2
    assert all(row["judges"] == ["scorecard"] for row in results)
    assert (await room.spent())["usd_micro"] == (0, 0)
    await room.enriched(1, title="CTO")
    await room.work()
    assert any("it is away" in row["detail"]["reasoning"] for row in await room.results())


async def test_answers_that_never_arrived_are_looked_up_and_booked(room: Room) -> None:
    room.judge = ScriptedJudge(lose_answers=True)
    await room.enriched(1)

    await room.work()

    assert len(await room.results()) == 1
    billed = len(room.judge.billed)
    assert await room.states() == {"committed": billed}
    assert (await room.spent())["usd_micro"] == (0, billed * COST)


async def test_an_interrupted_call_that_was_billed_is_used_not_repeated(room: Room) -> None:
    await room.enriched(1)
    fleet = await room.crashed("llm.after")

    assert room.judge is not None
    assert fleet.crashes == 1
    assert len(room.judge.billed) == 1
    assert await room.states() == {"committed": 1}
    assert len(await room.results()) == 1


async def test_an_interrupted_call_that_never_left_is_given_back(room: Room) -> None:
    await room.enriched(1)
    fleet = await room.crashed("llm.before")

    assert room.judge is not None
    assert fleet.crashes == 1
    assert len(room.judge.billed) == 1
    assert await room.states() == {"committed": 1, "released": 1}
    assert await room.spent() == {"usd_micro": (0, COST), "tokens": (0, USAGE.total)}


async def test_a_message_for_another_agent_goes_to_the_dead_letters(room: Room) -> None:
    ids = await room.enriched(1)
    await room.tell([LeadFound(ids[0])])

    await room.work()

    (dead,) = await room.rows("SELECT * FROM dead_letters")
    assert dead["kind"] == "lead.found"


async def test_a_lead_deleted_meanwhile_is_passed_over(room: Room) -> None:
    ids = await room.enriched(2)
    async with room.database.transaction() as db:
        await leads.remove(db, ids[0], now=room.clock())

    await room.work()

    assert [row["lead_id"] for row in await room.results()] == [ids[1]]


async def test_ledger_entries_say_what_they_were_for(room: Room) -> None:
    ids = await room.enriched(1)

    await room.work()

    (entry,) = await room.rows("SELECT * FROM ledger_entries")
    assert (entry["reference"], entry["purpose"], entry["vendor"]) == (ids[0], PURPOSE, "openai")
