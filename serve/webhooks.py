"""Webhooks: what outside systems tell us. Verify, keep, post a message, answer.

These routes take no key of ours: the sender is known by its signature, or what it says is checked
at the source before anything comes of it. The raw event is kept sealed, each once, in the
transaction that posts the message; so what was answered 2xx is never lost.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from agents.messages import WebhookReceived, encode
from policies.linkedin_webhook import (
    LARGEST_NOTIFICATION,
    SIGNATURE_HEADER,
    Notification,
    NotificationError,
    challenge_answer,
    is_signed,
    parse_notification,
)
from serve.calls import Api
from serve.problems import Problem, invalid
from serve.routing import bounded_receive
from serve.table import problem_response
from storage import inbound, mailbox
from storage.inbound import Event
from storage.mailbox import Letter

LINKEDIN = "linkedin"
PATH = "/webhooks/linkedin"
Challenge = Annotated[
    str,
    Query(
        alias="challengeCode",
        pattern=r"^[A-Za-z0-9_-]{1,128}$",
        description="what LinkedIn wants to be answered with our client secret",
    ),
]


def add_routes(router: APIRouter) -> None:
    """Add the webhooks; their paths are public (`serve.app.PUBLIC`)."""
    common: dict[str, Any] = {"tags": ["webhooks"], "response_class": JSONResponse}
    router.add_api_route(
        PATH,
        linkedin_challenge,
        methods=["GET"],
        operation_id="linkedin_challenge",
        responses={code: problem_response(code) for code in (404, 422)},
        **common,
    )
    router.add_api_route(
        PATH,
        linkedin_event,
        methods=["POST"],
        operation_id="linkedin_event",
        status_code=202,
        responses={code: problem_response(code) for code in (401, 413, 422, 503)},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
        **common,
    )


async def linkedin_challenge(request: Request, code: Challenge) -> dict[str, str]:
    """Show LinkedIn that this address is ours; it asks every two hours."""
    api: Api = request.app.state.api
    secret = api.given.webhook_secrets.get(LINKEDIN)
    if secret is None:
        detail = "LinkedIn's webhook is not set up here: set LINKEDIN_CLIENT_SECRET."
        raise Problem(404, "not_configured", detail)
    return challenge_answer(code, secret)


async def linkedin_event(request: Request) -> Response:
    """Take a notification of a form's response; the prospector fetches the response itself.

    A wrong signature is refused. LinkedIn documents none for these notifications, so one without
    is taken: nothing comes of it that LinkedIn does not confirm.
    """
    api: Api = request.app.state.api
    body = await Request(request.scope, bounded_receive(request, LARGEST_NOTIFICATION)).body()
    secret, told = api.given.webhook_secrets.get(LINKEDIN), request.headers.get(SIGNATURE_HEADER)
    if secret is not None and told is not None and not is_signed(body, told, secret):
        raise Problem(401, "bad_signature", "The signature does not fit the body.")
    try:
        notification = parse_notification(body)
    except NotificationError as error:
        raise invalid("", str(error), "not_understood") from None
    await api.to_its_end(_keep(api, notification, body, request.state.request_id))
    return JSONResponse({"status": "accepted"}, 202)


async def _keep(api: Api, told: Notification, body: bytes, request_id: str) -> None:
    """Keep the event and post it, unless it was told before."""
    at = "" if told.occurred_at is None else told.occurred_at.isoformat()
    event = Event(LINKEDIN, f"{told.response_id}:{told.action}:{at}", body.decode())
    async with api.database.transaction() as db:
        event_id = await inbound.add(db, api.sealer, event, now=api.given.clock())
        if event_id is None:
            return
        message = WebhookReceived(LINKEDIN, event_id)
        letter = Letter("prospector", message.kind, encode(message), correlation_id=request_id)
        await mailbox.post(db, [letter])
    api.given.wake(["prospector"])
