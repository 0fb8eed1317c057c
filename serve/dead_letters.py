"""Dead letters over HTTP: read, replay, drop."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from serve.calls import Answer, Caller, Effects
from serve.paging import Cursor, Limit
from serve.problems import not_found
from serve.scopes import Scope
from serve.shapes.operations import (
    DeadLetterOut,
    DeadLetterPage,
    Dropped,
    LettersOf,
    Replayed,
    TheseLetters,
)
from serve.table import Routes
from storage import dead_letters
from storage.dead_letters import DeadLetter

LetterIdPath = Annotated[int, Path(alias="id", ge=1, le=2**53, description="of the letter")]
Recipient = Annotated[
    str | None, Query(max_length=40, pattern=r"^[a-z][a-z_]*$", description="only this agent's")
]
What = TheseLetters | LettersOf


def add_routes(router: APIRouter) -> None:
    """Add what can be done with dead letters."""
    routes = Routes(router, "dead letters")
    base, write = "/api/dead-letters", Scope.AGENTS_WRITE
    routes.add("GET", base, list_dead_letters, Scope.AGENTS_READ, answer=DeadLetterPage)
    routes.add("POST", f"{base}/replay", replay_dead_letters, write, answer=Replayed)
    routes.add("POST", f"{base}/drop", drop_dead_letters, write, answer=Dropped)
    routes.add(
        "POST",
        f"{base}/{{id:int}}/replay",
        replay_dead_letter,
        write,
        answer=Replayed,
        problems=(404,),
    )
    routes.add("DELETE", f"{base}/{{id:int}}", drop_dead_letter, write, status=204, problems=(404,))


async def list_dead_letters(
    call: Caller, recipient: Recipient = None, limit: Limit = 50, cursor: Cursor = None
) -> DeadLetterPage:
    """List messages that no attempt could deal with, newest first."""
    scope = ("dead letters", recipient)
    after = call.api.cursors.read(scope, cursor, int) if cursor else None
    async with call.reading() as db:
        page = await dead_letters.page(db, recipient=recipient, after=after, limit=limit)
    items = [_shown(each) for each in page.items]
    return DeadLetterPage(items=items, next=call.next_page(scope, page.next))


async def replay_dead_letter(letter_id: LetterIdPath, call: Caller) -> Response:
    """Put one letter back into its mailbox, all attempts ahead of it."""

    async def replay(effects: Effects) -> Answer:
        recipients = await dead_letters.replay(effects.db, [letter_id])
        if not recipients:
            raise not_found("dead letter", letter_id)
        effects.roles |= set(recipients)
        return Answer(200, Replayed(replayed=1))

    return await call.change(replay)


async def drop_dead_letter(letter_id: LetterIdPath, call: Caller) -> Response:
    """Delete one letter for good."""

    async def drop(effects: Effects) -> Answer:
        if not await dead_letters.drop(effects.db, [letter_id]):
            raise not_found("dead letter", letter_id)
        return Answer(204)

    return await call.change(drop)


async def replay_dead_letters(body: What, call: Caller) -> Response:
    """Put letters back: those with these ids, or up to 10,000 of one agent, oldest first."""

    async def replay(effects: Effects) -> Answer:
        recipients = await dead_letters.replay(effects.db, await _ids(effects, body))
        effects.roles |= set(recipients)
        return Answer(200, Replayed(replayed=len(recipients)))

    return await call.change(replay)


async def drop_dead_letters(body: What, call: Caller) -> Response:
    """Delete letters for good: those with these ids, or up to 10,000 of one agent."""

    async def drop(effects: Effects) -> Answer:
        dropped = await dead_letters.drop(effects.db, await _ids(effects, body))
        return Answer(200, Dropped(dropped=dropped))

    return await call.change(drop)


async def _ids(effects: Effects, what: What) -> list[int]:
    match what:
        case TheseLetters(ids=ids):
            return ids
        case LettersOf(recipient=recipient):
            return await dead_letters.ids(effects.db, recipient)


def _shown(letter: DeadLetter) -> DeadLetterOut:
    return DeadLetterOut(
        id=letter.id,
        recipient=letter.recipient,
        kind=letter.kind,
        body=letter.body,
        lane=letter.lane,
        attempts=letter.attempts,
        reason=letter.reason,
        correlation_id=letter.correlation_id,
        created_at=letter.created_at,
        dead_at=letter.dead_at,
    )
