"""UpLead's credits: a record is billed the first time, for an address that may be of use."""

from pathlib import Path

import httpx
import pytest

from scripts.sandbox.market.catalogue import Catalogue
from scripts.sandbox.process import KEY, SandboxProcess
from scripts.sandbox.settings import Conditions, Settings
from tests.sandbox.uplead.facts import Error, Page

PRO = "/prospector-pro-search"


@pytest.mark.parametrize(
    ("status", "cost"), [("valid", 1), ("accept_all", 1), ("invalid", 0), ("unknown", 0)]
)
def test_a_contact_costs_by_its_address_and_once(
    uplead: httpx.Client, sources: SandboxProcess, catalogue: Catalogue, status: str, cost: int
) -> None:
    record = next(r for r in catalogue.records if r.status == status)
    before = uplead.get("/credits").json()["data"]["credits"]

    for _ in range(3):
        told = uplead.get("/person-search", params={"id": record.id}).json()
        assert told["data"]["email_status"] == status
        assert told["userInfo"]["availableCredits"] == before - cost

    book = sources.book("uplead")
    assert book["by_record"] == ({record.id: 1} if cost else {})
    assert (book["credits"], book["requests"]) == (cost, 4)


def test_a_company_costs_one_and_counting_nothing(
    uplead: httpx.Client, sources: SandboxProcess, catalogue: Catalogue
) -> None:
    record = next(iter(catalogue.companies.values()))

    uplead.get("/company-search", params={"domain": record.company.domain})
    uplead.get("/company-search", params={"id": record.id})
    uplead.post(PRO, json={"count_only": True, "countries": ["Spain"]})
    uplead.get("/quick-search", params={"type": "contact", "text": "a"})

    assert sources.book("uplead")["by_record"] == {record.id: 1}


def test_a_page_costs_what_is_new_on_it(uplead: httpx.Client, sources: SandboxProcess) -> None:
    asked = {"countries": ["Netherlands"], "per_page": 50}

    first = Page.of(uplead.post(PRO, json=asked).json())
    again = Page.of(uplead.post(PRO, json={**asked, "per_page": 60}).json())

    told = again.data.results
    useful = {p.id for p in told if p.email_status in {"valid", "accept_all"}}
    assert 0 < len(useful) < len(told)
    book = sources.book("uplead")
    assert set(book["by_record"]) == useful
    assert again.userInfo.availableCredits == 100_000 - len(useful)
    assert first.userInfo.availableCredits >= again.userInfo.availableCredits


def test_without_credits_only_what_is_owned_or_free_is_told(
    uplead: httpx.Client, sources: SandboxProcess, catalogue: Catalogue
) -> None:
    mine, other = [r for r in catalogue.records if r.status == "valid"][:2]
    free = next(r for r in catalogue.records if r.status == "unknown")
    sources.set("uplead", credits=1)
    assert uplead.get("/person-search", params={"id": mine.id}).status_code == 200

    refused = uplead.get("/person-search", params={"id": other.id})

    assert refused.status_code == 403
    Error.of(refused.json())
    assert uplead.post(PRO, json={"countries": ["France"]}).status_code == 403
    assert uplead.get("/person-search", params={"id": mine.id}).status_code == 200
    assert uplead.get("/person-search", params={"id": free.id}).status_code == 200
    sources.set("uplead", no_credit_status=402)
    assert uplead.get("/person-search", params={"id": other.id}).status_code == 402
    assert sources.book("uplead")["credits"] == 1


def test_what_is_owned_stays_owned_after_a_sudden_end(tmp_path: Path, catalogue: Catalogue) -> None:
    record = next(r for r in catalogue.records if r.status == "valid")
    people = len(catalogue.world.people)
    quick = Conditions(latency=0.0)
    settings = Settings(conditions=quick, people=people, book=tmp_path / "book.jsonl")
    headers = {"authorization": KEY}

    def ask(sandbox: SandboxProcess) -> int:
        url = f"{sandbox.vendor_urls['uplead']}/person-search"
        told = httpx.get(url, params={"id": record.id}, headers=headers, trust_env=False)
        return told.json()["userInfo"]["availableCredits"]

    with SandboxProcess(settings) as sandbox:
        assert ask(sandbox) == 99_999
        before = sandbox.book("uplead")
        sandbox.kill()
    with SandboxProcess(settings) as again:
        assert again.book("uplead") == before
        assert ask(again) == 99_999
        assert again.book("uplead")["by_record"] == {record.id: 1}
        again.reset()
        assert again.book("uplead", each=False)["requests"] == 0
