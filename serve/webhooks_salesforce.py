"""Outbound messages of Salesforce: check who speaks, keep which records changed, acknowledge.

Nothing is signed, so the address holds a secret and the message must name our organisation. All
that is taken from it are the ids of records, which the syncer then looks at itself.
"""

from secrets import compare_digest
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from agents.messages import WebhookReceived, encode
from policies.crm_outbound import (
    ACKNOWLEDGED,
    LARGEST_MESSAGE,
    OutboundError,
    OutboundMessage,
    parse_message,
)
from serve.calls import Api
from serve.problems import Problem, invalid, not_found
from serve.routing import bounded_receive
from serve.table import problem_response
from storage import crm, inbound, mailbox
from storage.inbound import Event
from storage.mailbox import Letter

SALESFORCE = "salesforce"
SYNCER = "crm_syncer"
PATH = "/webhooks/salesforce/{secret}"
XML = "text/xml"
Secret = Annotated[str, Path(max_length=200, description="as SALESFORCE_WEBHOOK_SECRET has it")]


def add_routes(router: APIRouter) -> None:
    """Add the webhook; its path is public (`serve.app.PUBLIC`)."""
    router.add_api_route(
        PATH,
        salesforce_event,
        methods=["POST"],
        operation_id="salesforce_event",
        tags=["webhooks"],
        response_class=Response,
        responses={
            200: {"description": "Acknowledged", "content": {XML: {"schema": {"type": "string"}}}},
            **{code: problem_response(code) for code in (403, 404, 413, 422, 503)},
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {XML: {"schema": {"type": "string"}}},
            }
        },
    )


async def salesforce_event(request: Request, secret: Secret) -> Response:
    """Take an outbound message: which records changed; whatever it says of them is not believed.

    It is acknowledged once it is kept; Salesforce sends again what is not acknowledged.
    """
    api: Api = request.app.state.api
    wanted = api.given.webhook_secrets.get(SALESFORCE)
    if wanted is None or not compare_digest(secret.encode(), wanted.encode()):
        raise not_found("webhook", "salesforce")
    body = await Request(request.scope, bounded_receive(request, LARGEST_MESSAGE)).body()
    try:
        told = parse_message(body)
    except OutboundError as error:
        raise invalid("", str(error), "not_understood") from None
    await _check_sender(api, told)
    await api.to_its_end(_keep(api, told, request.state.request_id))
    return Response(ACKNOWLEDGED, media_type=XML)


async def _check_sender(api: Api, told: OutboundMessage) -> None:
    async with api.database.reading() as db:
        account = (await crm.state(db)).account
    if account is None:
        detail = "Salesforce was not asked yet who we are there: POST /api/crm/test."
        raise Problem(503, "not_connected", detail)
    if account.organization_id != told.organization_id:
        detail = "The message comes from another organisation than the one we are connected to."
        raise Problem(403, "another_organization", detail)


async def _keep(api: Api, told: OutboundMessage, request_id: str) -> None:
    """Keep the notifications that were never seen, and post them."""
    letters: list[Letter] = []
    async with api.database.transaction() as db:
        for each in told.notifications:
            payload = orjson.dumps({"type": each.sobject, "id": each.record_id}).decode()
            event = Event(SALESFORCE, each.id, payload)
            event_id = await inbound.add(db, api.sealer, event, now=api.given.clock())
            if event_id is not None:
                message = WebhookReceived(SALESFORCE, event_id)
                body = encode(message)
                letters.append(Letter(SYNCER, message.kind, body, correlation_id=request_id))
        await mailbox.post(db, letters)
    if letters:
        api.given.wake([SYNCER])
