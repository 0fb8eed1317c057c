"""The CRM over HTTP: what an operator sees, changes and releases."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from agents.messages import decode
from policies.crm_defaults import default_mapping
from policies.crm_records import Account, ApiUsage, Description, Field
from policies.lead import LeadId
from serve import crm as route
from storage import crm, crm_drift, crm_tries, vendor_states
from storage.agents import Bounds, ensure
from storage.crm_drift import Difference, Why
from storage.crm_links import LinkState
from storage.crm_tries import Result, Try
from storage.ids import new_id
from storage.mailbox import Mailbox
from tests.serve.conftest import World
from tests.serve.test_leads import made, rows

ACCOUNT = Account("00D8d0000004C95EAE", "api@acme.example", "https://acme.my.salesforce.com")
KEY = Field("LeadEngine_Id__c", length=64, external_id=True, unique=True)
LEAD = Description(
    "Lead",
    (
        KEY,
        Field("LastName", length=80, nillable=False),
        Field("Company", length=255, nillable=False),
        Field("Title", length=128),
        Field("Rating", "picklist", picklist=("Hot", "Warm", "Cold"), restricted=True),
        Field("Score__c", "double"),
    ),
)
NAMES: list[dict[str, Any]] = [
    {"to": "LastName", "from": "person.last_name", "default": "?"},
    {"to": "Company", "from": "company", "default": "?"},
]


async def connected(world: World) -> None:
    async with world.database.transaction() as db:
        await crm.checked(db, ACCOUNT, {"Lead": LEAD}, now=world.clock())
        await crm.heard(db, ApiUsage(120, 100_000), now=world.clock())


async def tried(world: World, state: LinkState, count: int = 1, **more: Any) -> list[LeadId]:
    """Leads whose records were tried, with what became of them."""
    ids = [LeadId(new_id(world.clock())) for _ in range(count)]
    attempt = uuid4()
    async with world.database.transaction() as db:
        tries = [Try(each, b"hash", 1) for each in ids]
        await crm_tries.intend(db, tries, attempt=attempt, now=world.clock())
        results = [Result(each, state, **more) for each in ids]
        await crm_tries.settle(db, results, attempt=attempt, mapping_version=0, now=world.clock())
    return ids


async def get(world: World, path: str) -> dict[str, Any]:
    answer = await world.client.get(f"/api/crm{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_crm_that_was_never_asked_says_so(world: World) -> None:
    seen = await get(world, "")

    assert seen["connected"] is None
    assert (seen["api"], seen["records"], seen["mapping_version"]) == (None, {}, 0)
    assert seen["breaker"] == {"open": False, "until": None, "failures": 0}


async def test_the_overview_tells_account_allowance_records_and_breaker(world: World) -> None:
    await connected(world)
    await tried(world, LinkState.SYNCED, 3, crm_id="00Q8d0000004C9GEAU")
    await tried(world, LinkState.QUARANTINED, 2, code="X")
    until = world.clock() + timedelta(minutes=1)
    async with world.database.transaction() as db:
        breaker = {"failures": 5, "open_until": until.isoformat(), "trips": 1}
        await vendor_states.put(db, "salesforce", {"breaker": breaker}, now=world.clock())

    seen = await get(world, "")

    assert (seen["connected"], seen["user"]) == (True, "api@acme.example")
    assert (seen["api"]["used"], seen["api"]["allowed"]) == (120, 100_000)
    assert seen["records"] == {"synced": 3, "quarantined": 2}
    assert (seen["breaker"]["open"], seen["breaker"]["failures"]) == (True, 5)


async def test_a_test_of_the_connection_needs_a_syncer_at_work(world: World) -> None:
    answer = await world.client.post("/api/crm/test")

    assert answer.status_code == 409
    assert "SALESFORCE_" in answer.json()["detail"]
    assert await rows(world, "SELECT 1 FROM messages") == []


async def test_a_test_of_the_connection_asks_the_syncer_and_waits_for_its_word(
    world: World,
) -> None:
    mailbox = await syncer(world)

    async def look() -> str:
        for _ in range(200):
            if letters := await mailbox.claim(1, now=world.clock()):
                await connected(world)
                return decode(letters[0].body).kind
            await asyncio.sleep(0.02)
        return "nothing"

    looking = asyncio.create_task(look())
    answer = await world.client.post("/api/crm/test")

    assert answer.status_code == 200, answer.text
    assert (answer.json()["answered"], answer.json()["crm"]["connected"]) == (True, True)
    assert await looking == "crm.check"
    assert world.woken == ["crm_syncer"]
    await mailbox.close()


async def test_a_busy_syncer_is_not_waited_for_longer_than_is_bearable(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connected(world)
    world.clock.forward(seconds=1)
    mailbox = await syncer(world)
    monkeypatch.setattr(route, "PATIENCE", 0.3)

    answer = await world.client.post("/api/crm/test")

    assert (answer.status_code, answer.json()["answered"]) == (200, False)
    await mailbox.close()


async def syncer(world: World) -> Mailbox:
    async with world.database.transaction() as db:
        await ensure(db, {"crm_syncer": Bounds(0, 1)})
    mailbox = Mailbox(world.database.url, "crm_syncer", "w1")
    await mailbox.open(world.clock())
    return mailbox


async def test_the_mapping_that_comes_with_the_engine_is_version_0(world: World) -> None:
    seen = await get(world, "/mapping")

    assert (seen["version"], seen["created_by"], seen["checked"]) == (0, None, False)
    again = await world.client.put("/api/crm/mapping", json=seen["mapping"])
    assert again.json()["mapping"] == seen["mapping"]
    assert again.status_code == 200
    assert default_mapping().fields[0].to == seen["mapping"]["fields"][0]["to"]


async def test_a_mapping_is_kept_in_versions_and_held_against_the_fields(world: World) -> None:
    await connected(world)
    wanted = {"fields": [*NAMES, {"to": "Title", "from": "title"}]}

    first = await world.client.put("/api/crm/mapping", json=wanted)
    same = await world.client.put("/api/crm/mapping", json=wanted)
    other = await world.client.put("/api/crm/mapping", json={"fields": NAMES})

    assert first.status_code == 200, first.text
    version = first.json()["version"]
    assert (version > 0, first.json()["created_by"]) == (True, "key:admin")
    problems = {each["field"]: each for each in first.json()["problems"]}
    assert set(problems) == {"LastName", "Company", "Title"}
    assert not any(each["fatal"] for each in problems.values())
    assert "truncate" in problems["Title"]["message"]
    assert (same.json()["version"], other.json()["version"]) == (version, version + 1)
    assert (await get(world, "/mapping"))["version"] == version + 1
    assert (await get(world, f"/mapping?version={version}"))["mapping"] == first.json()["mapping"]
    versions = (await get(world, "/mapping/versions"))["items"]
    assert [each["version"] for each in versions] == [version + 1, version]
    assert (await world.client.get(f"/api/crm/mapping?version={version + 2}")).status_code == 404
    decided = (await world.client.get("/api/decisions?agent=key:admin")).json()["items"]
    assert [each["action"] for each in decided] == ["crm.mapping", "crm.mapping"]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"to": "Titel", "from": "title"}, "did you mean Title?"),
        ({"to": "Score__c", "from": "tier"}, "number"),
        ({"to": "Rating", "constant": "Lukewarm"}, "does not have 'Lukewarm'"),
    ],
)
async def test_a_mapping_that_cannot_work_is_refused_and_not_kept(
    world: World, field: dict[str, Any], words: str
) -> None:
    await connected(world)

    answer = await world.client.put("/api/crm/mapping", json={"fields": [*NAMES, field]})

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["field"], error["reason"]) == (field["to"], "unusable_field")
    assert words in error["message"]
    assert (await get(world, "/mapping"))["version"] == 0


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"fields": []},
        {"fields": [{"to": "X"}]},
        {"fields": [{"to": "X", "from": "score", "constant": 1}]},
        {"fields": [{"to": "X", "source": "score"}]},
        {"fields": [{"to": "X", "from": "nothing"}]},
        {"fields": [{"to": "X", "from": "id"}, {"to": "x", "from": "id"}]},
        {"fields": NAMES, "more": 1},
        {"fields": [{**NAMES[0], "transform": [{"name": "truncate", "length": "5"}]}]},
        {"fields": NAMES, "opportunity": {"name": "{nothing}"}},
    ],
)
async def test_a_document_that_is_no_mapping_is_refused(
    world: World, document: dict[str, Any]
) -> None:
    answer = await world.client.put("/api/crm/mapping", json=document)

    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_a_preview_shows_the_record_of_a_lead_as_it_would_be_sent(world: World) -> None:
    await connected(world)
    lead = await made(world)
    field = {"to": "Title", "from": "title", "transform": [{"name": "truncate", "length": 7}]}
    wanted = {"fields": [*NAMES, field, {"to": "Rating", "constant": "Lukewarm"}]}

    answer = await world.client.post(
        "/api/crm/preview", json={"lead_id": lead["id"], "mapping": wanted}
    )

    assert answer.status_code == 200, answer.text
    seen = answer.json()
    assert seen["record"] == {
        "LeadEngine_Id__c": lead["id"],
        "LastName": "Example",
        "Company": "Example GmbH",
        "Title": "Head of",
        "Rating": "Lukewarm",
    }
    assert (seen["sent"], seen["mapping_version"]) == (False, None)
    assert seen["why_not"] == "It is new; the CRM gets what is scored, qualified."
    assert {each["field"] for each in seen["problems"]} == {"Rating"}


async def test_a_preview_of_a_lead_that_is_made_up_uses_the_mapping_in_use(world: World) -> None:
    sample = {"last_name": "Ito", "country": "DE", "score": 81}

    seen = (await world.client.post("/api/crm/preview", json={"sample": sample})).json()

    assert (seen["sent"], seen["mapping_version"], seen["problems"]) == (True, 0, [])
    assert (seen["record"]["LastName"], seen["record"]["Country"]) == ("Ito", "Germany")
    assert seen["record"]["Company"] == "Unknown"


async def test_a_preview_needs_the_right_to_read_leads(world: World) -> None:
    key = await world.key("crm:read", "crm:write")

    answer = await world.client.post(
        "/api/crm/preview", json={"lead_id": str(uuid4())}, headers=key
    )

    assert answer.status_code == 403
    assert (await world.client.get("/api/crm", headers=key)).status_code == 200


async def test_records_are_listed_by_state_in_pages(world: World) -> None:
    await connected(world)
    synced: list[LeadId] = []
    for number in range(5):
        world.clock.forward(seconds=1)
        synced += await tried(world, LinkState.SYNCED, crm_id=f"00Q8d000000000{number}AAA")
    await tried(world, LinkState.RETRY, 2, code="UNABLE_TO_LOCK_ROW", due_at=world.clock())

    first = await get(world, "/links?state=synced&limit=3")
    rest = await get(world, f"/links?state=synced&limit=3&cursor={first['next']}")
    every = await get(world, "/links")

    listed = [UUID(each["lead_id"]) for each in (*first["items"], *rest["items"])]
    assert listed == list(reversed(synced))
    assert rest["next"] is None
    assert first["items"][0]["url"] == "https://acme.my.salesforce.com/00Q8d0000000004AAA"
    assert len(every["items"]) == 7
    other = await world.client.get(f"/api/crm/links?state=retry&cursor={first['next']}")
    assert (other.status_code, other.json()["errors"][0]["reason"]) == (400, "bad_cursor")


async def test_a_quarantined_record_is_shown_with_the_words_of_the_crm_and_released(
    world: World,
) -> None:
    words: dict[str, Any] = {
        "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "problem": "No free mail.",
    }
    [poisoned] = await tried(world, LinkState.QUARANTINED, fields=("Email",), **words)

    [item] = (await get(world, "/quarantine"))["items"]
    retried = await world.client.post(f"/api/crm/quarantine/{poisoned}/retry")

    assert (item["code"], item["problem"], item["fields"]) == (*words.values(), ["Email"])
    assert (retried.status_code, retried.json()["state"]) == (200, "retry")
    [letter] = await rows(world, "SELECT recipient, kind, body, lane FROM messages")
    assert (letter.recipient, letter.kind, letter.lane) == ("crm_syncer", "crm.sync", 0)
    assert letter.body["lead_id"] == str(poisoned)
    assert (await get(world, "/quarantine"))["items"] == []
    again = await world.client.post(f"/api/crm/quarantine/{poisoned}/retry")
    assert again.status_code == 404


async def test_a_dropped_record_is_left_alone_until_somebody_wants_it_again(world: World) -> None:
    [poisoned] = await tried(world, LinkState.QUARANTINED, code="X")

    dropped = await world.client.post(f"/api/crm/quarantine/{poisoned}/drop")
    twice = await world.client.post(f"/api/crm/quarantine/{poisoned}/drop")

    assert (dropped.status_code, dropped.json()["state"]) == (200, "dropped")
    assert twice.status_code == 404
    assert await rows(world, "SELECT 1 FROM messages") == []
    assert (await get(world, ""))["records"] == {"dropped": 1}
    retried = await world.client.post(f"/api/crm/quarantine/{poisoned}/retry")
    assert retried.status_code == 200
    decided = (await world.client.get("/api/decisions?agent=key:admin")).json()["items"]
    assert {each["action"] for each in decided} == {"crm.dropped", "crm.retry"}


async def test_what_differs_is_listed_by_reason_in_pages(world: World) -> None:
    one, two = sorted((new_id(world.clock()), new_id(world.clock())))
    found = [
        Difference(one, "Title", Why.CHANGED_THERE),
        Difference(one, "Phone", Why.NOT_SENT_YET),
        Difference(two, "", Why.GONE_THERE),
    ]
    async with world.database.transaction() as db:
        await crm_drift.keep(db, (None, None), found, now=world.clock())
        await crm.compared(db, None, now=world.clock())

    first = await get(world, "/drift?limit=2")
    rest = await get(world, f"/drift?limit=2&cursor={first['next']}")
    gone = await get(world, "/drift?why=gone_there")

    assert [each["field"] for each in (*first["items"], *rest["items"])] == ["Phone", "Title", None]
    assert first["counts"] == {"changed_there": 1, "not_sent_yet": 1, "gone_there": 1}
    assert first["compared_at"] is not None
    assert [each["lead_id"] for each in gone["items"]] == [str(two)]
    assert (await get(world, ""))["drift"] == first["counts"]


async def test_leads_are_given_to_the_syncer_once(world: World) -> None:
    lead = await made(world)
    ids = {"lead_ids": [lead["id"], str(uuid4()), lead["id"]]}

    first = await world.client.post("/api/crm/sync", json=ids)
    again = await world.client.post("/api/crm/sync", json={"filter": {"status": "new"}})
    none = await world.client.post("/api/crm/sync", json={"filter": {"status": "qualified"}})

    assert (first.status_code, first.json()) == (202, {"queued": 1})
    assert (again.json(), none.json()) == ({"queued": 0}, {"queued": 0})
    letters = await rows(world, "SELECT kind FROM messages WHERE recipient = 'crm_syncer'")
    assert [letter.kind for letter in letters] == ["crm.sync"]
    assert "crm_syncer" in world.woken
