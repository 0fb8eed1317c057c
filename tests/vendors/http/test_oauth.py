"""Tokens: fetched once for everybody, renewed once, and never asked for without end."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from agents.errors import VendorError
from agents.vendors.http import Nothing, VendorHttp
from agents.vendors.oauth import ClientCredentials
from tests.vendors.http.conftest import Asked, Say, Server

TOKEN, API = "/oauth/token", "/api/x"


@dataclass
class Gatekeeper:
    """A token endpoint and an interface that takes only its newest token.

    Attributes:
        life: told with every token.
        given: tokens given.
        refuses: takes no token at all.
        instead: answers of the token endpoint in place of tokens, in order.
    """

    life: object = 3600
    given: int = 0
    refuses: bool = False
    slow: float = 0.0
    instead: list[Say] = field(default_factory=list[Say])

    def __call__(self, asked: Asked) -> Say:
        if asked.target == TOKEN:
            return self._token()
        good = asked.headers.get("authorization") == f"Bearer t{self.given}"
        return Say(200 if good and not self.refuses else 401, {}, hang=self.slow)

    def _token(self) -> Say:
        if self.instead:
            return self.instead.pop(0)
        self.given += 1
        token = {"access_token": f"t{self.given}", "token_type": "Bearer"}
        return Say(body=token | ({"expires_in": self.life} if self.life else {}), hang=self.slow)

    def expire(self) -> None:
        """Every token given is taken no longer."""
        self.given += 1


@dataclass
class Ticks:
    """Seconds that grow when told to."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keeper(server: Server) -> Gatekeeper:
    keeper = Gatekeeper()
    server.script = keeper
    return keeper


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
async def vendor(server: Server, ticks: Ticks) -> AsyncGenerator[VendorHttp]:
    auth = ClientCredentials(
        "zoominfo",
        "ZOOMINFO_CLIENT_ID and ZOOMINFO_CLIENT_SECRET",
        f"{server.url}{TOKEN}",
        "sandbox:id",
        "sandbox secret",
        scope="api:data:contact api:data:company",
        monotonic=ticks,
    )
    vendor = VendorHttp("zoominfo", f"{server.url}/api", auth, timeout=timedelta(seconds=5))
    yield vendor
    await vendor.close()


async def call(vendor: VendorHttp) -> int:
    return (await vendor.request("GET", "/x", shape=Nothing)).status


async def failure(vendor: VendorHttp) -> VendorError:
    with pytest.raises(VendorError) as caught:
        await call(vendor)
    return caught.value


async def test_a_token_is_asked_for_as_the_standard_says(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp
) -> None:
    assert await call(vendor) == 200

    (asked,) = server.paths(TOKEN)
    pair = b64encode(b"sandbox%3Aid:sandbox+secret").decode()
    assert asked.method == "POST"
    assert asked.headers["authorization"] == f"Basic {pair}"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.body == (
        b"grant_type=client_credentials&scope=api%3Adata%3Acontact+api%3Adata%3Acompany"
    )


async def test_callers_who_come_together_share_one_token(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp
) -> None:
    keeper.slow = 0.05
    assert await asyncio.gather(*(call(vendor) for _ in range(20))) == [200] * 20
    assert len(server.paths(TOKEN)) == 1


async def test_twenty_refusals_at_once_renew_the_token_once(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp
) -> None:
    await call(vendor)
    keeper.expire()
    keeper.slow = 0.05

    assert await asyncio.gather(*(call(vendor) for _ in range(20))) == [200] * 20

    assert len(server.paths(TOKEN)) == 2
    assert len(server.paths(API)) == 1 + 2 * 20


async def test_tokens_that_are_always_refused_end_the_call_after_one_more_try(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp
) -> None:
    keeper.refuses = True

    errors = await asyncio.gather(*(failure(vendor) for _ in range(20)))

    assert {error.retry_after for error in errors} == {None}
    assert all("ZOOMINFO_CLIENT_SECRET" in str(error) for error in errors)
    assert len(server.paths(API)) <= 40
    assert len(server.paths(TOKEN)) <= 21


async def test_a_token_is_renewed_before_it_ends(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp, ticks: Ticks
) -> None:
    await call(vendor)
    ticks.now += 3600 - 61
    await call(vendor)
    assert len(server.paths(TOKEN)) == 1
    ticks.now += 2
    await call(vendor)
    assert len(server.paths(TOKEN)) == 2
    assert len(server.paths(API)) == 3


async def test_a_short_token_still_serves_for_most_of_its_life(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp, ticks: Ticks
) -> None:
    keeper.life = 10
    await call(vendor)
    ticks.now += 8.9
    await call(vendor)
    assert len(server.paths(TOKEN)) == 1
    ticks.now += 0.2
    await call(vendor)
    assert len(server.paths(TOKEN)) == 2


async def test_an_early_renewal_that_fails_leaves_the_token_that_is_still_good(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp, ticks: Ticks
) -> None:
    await call(vendor)
    ticks.now += 3600 - 30
    keeper.instead = [Say(503)]
    assert await call(vendor) == 200
    ticks.now += 31
    keeper.instead = [Say(503)]
    assert "token: status 503" in str(await failure(vendor))


async def test_a_token_without_an_end_serves_for_an_hour(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp, ticks: Ticks
) -> None:
    keeper.life = None
    await call(vendor)
    ticks.now += 3500
    await call(vendor)
    assert len(server.paths(TOKEN)) == 1


@pytest.mark.parametrize("status", [400, 401])
async def test_a_client_that_is_not_known_says_which_setting_to_check(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp, status: int
) -> None:
    keeper.instead = [Say(status, {"error": "invalid_client", "error_description": "sandbox:id"})]

    error = await failure(vendor)

    assert (error.retry_after, error.in_doubt) == (None, False)
    assert str(error) == (
        f"zoominfo: token: status {status}, invalid_client; no token is given for these "
        "credentials: check ZOOMINFO_CLIENT_ID and ZOOMINFO_CLIENT_SECRET"
    )
    assert server.paths(API) == []


@pytest.mark.parametrize(
    "said",
    [
        Say(500),
        Say(200, b"<html>"),
        Say(200, {"access_token": ""}),
        Say(200, {"access_token": "a\nb"}),
        Say(200, {"access_token": "a", "expires_in": -5}),
        Say(dropped=True),
        Say(body=b"{}", length=400),
    ],
)
async def test_a_token_endpoint_that_fails_leaves_nothing_in_doubt(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp, said: Say
) -> None:
    keeper.instead = [said]

    error = await failure(vendor)

    assert error.retry_after is not None
    assert not error.in_doubt
    assert await call(vendor) == 200


async def test_a_throttled_token_endpoint_slows_us_down(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp
) -> None:
    keeper.instead = [Say(429, headers={"Retry-After": "9"})]
    error = await failure(vendor)
    assert (error.throttled, error.retry_after) == (True, timedelta(seconds=9))


async def test_callers_who_waited_for_a_token_in_vain_do_not_ask_one_by_one(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp
) -> None:
    keeper.instead = [Say(503, hang=0.1) for _ in range(20)]

    errors = await asyncio.gather(*(failure(vendor) for _ in range(20)))

    assert len(errors) == 20
    assert len(server.paths(TOKEN)) == 1


async def test_a_token_endpoint_that_hangs_costs_the_deadline_and_no_doubt(
    server: Server, keeper: Gatekeeper
) -> None:
    keeper.instead = [Say(hang=0.5)]
    auth = ClientCredentials("zoominfo", "X", f"{server.url}{TOKEN}", "i", "s")
    vendor = VendorHttp("zoominfo", server.url, auth, timeout=timedelta(seconds=0.2))
    error = await failure(vendor)
    assert not error.in_doubt
    assert error.retry_after is not None
    await vendor.close()


async def test_secrets_never_stand_in_errors(
    server: Server, keeper: Gatekeeper, vendor: VendorHttp
) -> None:
    keeper.instead = [Say(400, {"error": "invalid_client", "error_description": "sandbox secret"})]
    assert "sandbox" not in str(await failure(vendor))
