"""Every lead source under every fault: what the caller sees, and what the book says of it."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime

import httpx
import pytest

from scripts.sandbox.common import COMMON_MODES
from scripts.sandbox.market.catalogue import Catalogue
from scripts.sandbox.market.world import World
from scripts.sandbox.process import KEY, SandboxProcess

Ask = Callable[[], httpx.Response]
MEDIA = "application/vnd.api+json"
OWNER = "owner=(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A512345)"
VENDORS = ("uplead", "zoominfo", "linkedin")


@pytest.fixture(scope="session")
def people(world: World) -> tuple[str, str]:
    """Somebody who costs a credit, by their names at UpLead and at ZoomInfo."""
    ours = next(r for r in Catalogue(world, "uplead").records if r.status == "valid")
    theirs = next(
        r for r in Catalogue(world, "zoominfo").records if r.email and not r.person.opted_out
    )
    return ours.id, theirs.id


@pytest.fixture
def asks(sources: SandboxProcess, people: tuple[str, str]) -> dict[str, Ask]:
    """For each vendor a call that costs a credit where there are credits."""
    sources.set("zoominfo", per_second=100_000)
    root, urls = sources.url, sources.vendor_urls
    form = {"grant_type": "client_credentials", "scope": "api:data:contact"}
    address = f"{root}/zoominfo/oauth2/default/v1/token"
    auth = ("sandbox-id", "sandbox-secret")
    token = httpx.post(address, data=form, auth=auth, trust_env=False).json()["access_token"]

    def uplead() -> httpx.Response:
        url = f"{urls['uplead']}/person-search?id={people[0]}"
        return httpx.get(url, headers={"authorization": KEY}, timeout=2, trust_env=False)

    def zoominfo() -> httpx.Response:
        attributes = {"matchPersonInput": [{"personId": people[1]}], "outputFields": ["email"]}
        return httpx.post(
            f"{urls['zoominfo']}/data/v1/contacts/enrich",
            json={"data": {"type": "ContactEnrich", "attributes": attributes}},
            headers={"authorization": f"Bearer {token}", "content-type": MEDIA},
            timeout=2,
            trust_env=False,
        )

    def linkedin() -> httpx.Response:
        version = {"linkedin-version": "202610", "x-restli-protocol-version": "2.0.0"}
        headers = {"authorization": f"Bearer {KEY}", **version}
        url = f"{urls['linkedin']}/leadForms?q=owner&{OWNER}"
        return httpx.get(url, headers=headers, timeout=2, trust_env=False)

    sources.reset()
    return {"uplead": uplead, "zoominfo": zoominfo, "linkedin": linkedin}


def billed(sandbox: SandboxProcess, vendor: str) -> int:
    return sandbox.book(vendor, each=False).get("credits", 0)


@pytest.mark.parametrize("vendor", VENDORS)
def test_it_knows_the_faults_of_all(sources: SandboxProcess, vendor: str) -> None:
    modes = set(sources.told(vendor, "faults")["modes"])

    assert modes >= COMMON_MODES | {"token_expired", "token_invalid"}
    assert (vendor == "linkedin") or "no_credit" in modes


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("mode", ["429", "429_date", "429_no_header", "500", "503"])
def test_a_call_that_is_turned_away_costs_nothing(
    sources: SandboxProcess, asks: dict[str, Ask], vendor: str, mode: str
) -> None:
    sources.arm(mode, count=1, retry_after=2.0, vendor=vendor)

    refused = asks[vendor]()

    assert refused.status_code == int(mode[:3])
    assert "json" in refused.headers["content-type"]
    (entry,) = sources.book(vendor)["log"]
    assert (entry["status"], entry["fault"]) == (int(mode[:3]), mode)
    hint = refused.headers.get("Retry-After")
    if mode in {"429", "429_date"} and vendor != "linkedin":
        assert hint is not None
        assert 1 <= entry["retry_after"] <= 3
        assert hint == "2" or parsedate_to_datetime(hint).timestamp() > entry["at"]
    else:
        assert hint is None
        assert "retry_after" not in entry
    assert billed(sources, vendor) == 0
    assert asks[vendor]().status_code == 200


@pytest.mark.parametrize("vendor", VENDORS)
def test_answers_that_are_no_answers(
    sources: SandboxProcess, asks: dict[str, Ask], vendor: str
) -> None:
    sources.arm("html", count=1, vendor=vendor)
    page = asks[vendor]()
    assert (page.status_code, page.headers["content-type"][:9]) == (200, "text/html")

    sources.arm("wrong_shape", count=1, vendor=vendor)
    assert asks[vendor]().json() == {"surprise": [1, 2, 3]}

    sources.arm("disconnect", count=1, vendor=vendor)
    with pytest.raises(httpx.RemoteProtocolError):
        asks[vendor]()
    assert billed(sources, vendor) == 0

    sources.arm("cut_json", count=1, vendor=vendor)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        asks[vendor]().json()

    sources.arm("truncated", count=1, vendor=vendor)
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        asks[vendor]()
    assert billed(sources, vendor) == (vendor != "linkedin")
    assert sources.book(vendor, each=False)["requests"] == 5


@pytest.mark.parametrize("vendor", VENDORS)
def test_slow_answers_arrive_and_lost_ones_were_billed(
    sources: SandboxProcess, asks: dict[str, Ask], vendor: str
) -> None:
    for mode in ("slow", "drip"):
        sources.arm(mode, count=1, delay=0.3, vendor=vendor)
        answer = asks[vendor]()
        assert answer.status_code == 200
        assert answer.elapsed.total_seconds() >= 0.25
    sources.reset()

    sources.arm("act_then_timeout", count=1, delay=30, vendor=vendor)
    with pytest.raises(httpx.ReadTimeout):
        asks[vendor]()

    book = sources.book(vendor)
    assert book["log"][0]["status"] == 0
    assert billed(sources, vendor) == (vendor != "linkedin")
    assert asks[vendor]().status_code == 200
    assert billed(sources, vendor) == (vendor != "linkedin")


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_token_is_refused_for_ever_or_once(
    sources: SandboxProcess, asks: dict[str, Ask], vendor: str
) -> None:
    sources.arm("token_invalid", vendor=vendor)
    assert [asks[vendor]().status_code for _ in range(3)] == [401, 401, 401]
    sources.clear(vendor)
    assert asks[vendor]().status_code == 200

    sources.arm("token_expired", vendor=vendor)
    # ZoomInfo's token is dead then; the others' keys are only taken for dead once.
    second = 401 if vendor == "zoominfo" else 200
    assert [asks[vendor]().status_code for _ in range(2)] == [401, second]


def test_credit_runs_out_in_each_vendors_own_way(
    sources: SandboxProcess, asks: dict[str, Ask]
) -> None:
    sources.arm("no_credit", count=1, vendor="uplead")
    sources.arm("no_credit_402", count=1, vendor="uplead")
    assert [asks["uplead"]().status_code for _ in range(3)] == [403, 402, 200]

    sources.arm("no_credit", count=1, vendor="zoominfo")
    refused = asks["zoominfo"]()
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "PFAPI0011")
    sources.arm("no_credit_row", count=1, vendor="zoominfo")
    assert asks["zoominfo"]().json()["data"][0]["meta"]["matchStatus"] == "LIMIT_EXCEEDED"
    assert asks["zoominfo"]().json()["data"][0]["meta"]["matchStatus"] == "FULL_MATCH"


def test_fetching_a_token_fails_by_order(sources: SandboxProcess) -> None:
    form = {"grant_type": "client_credentials"}
    url = f"{sources.url}/zoominfo/oauth2/default/v1/token"

    def fetch() -> int:
        auth = ("sandbox-id", "sandbox-secret")
        return httpx.post(url, data=form, auth=auth, trust_env=False).status_code

    sources.arm("500", vendor="zoominfo")
    assert fetch() == 200
    sources.arm("503", operation="token", count=1, vendor="zoominfo")
    assert [fetch(), fetch()] == [503, 200]
    sources.arm("client_invalid", count=1, vendor="zoominfo")
    assert [fetch(), fetch()] == [401, 200]
