"""What an agent is: a role, and a way to handle the messages of one turn."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, TypeAlias

from agents.failpoints import Failpoints
from agents.messages import Message
from storage import mailbox
from storage.database import Connection, Database
from storage.mailbox import Envelope, Lane, Letter


@dataclass(frozen=True, slots=True)
class Done:
    """The messages are dealt with."""


@dataclass(frozen=True, slots=True)
class Snooze:
    """Deliver the messages again at ``until`` (aware); not counted as a failure."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The messages can never be dealt with; put them aside for a person."""

    reason: str


Outcome: TypeAlias = Done | Snooze | Refuse


class Agent(Protocol):
    """A worker with a mailbox.

    Attributes:
        role: its name; its mailbox has the same.
        batches: message kinds it takes several of in one turn, and how many at most.
    """

    role: ClassVar[str]
    batches: ClassVar[Mapping[str, int]]

    async def handle(self, messages: Sequence[Message], turn: "Turn") -> Outcome:
        """Deal with the messages of one turn, all of one kind. Raising means: try again later."""
        ...


class Turn:
    """One delivery of one message, or of one batch: the clock, and what may be committed.

    An agent reads and thinks freely, then commits once: what it writes and posts in
    ``commit`` happens together with its messages being done, or not at all. A turn that
    changes the outside world commits its ``intent`` before and its result after.

    Attributes:
        now: when the turn began (aware UTC).
        posted: who was sent something by this turn, once it has committed.
    """

    def __init__(
        self,
        database: Database,
        envelopes: Sequence[Envelope],
        *,
        now: datetime,
        lease: timedelta,
        virtual: bool,
        failpoints: Failpoints,
    ) -> None:
        self.database = database
        self.envelopes = envelopes
        self.now = now
        self.posted: set[str] = set()
        self.finished = False
        self._lease = lease
        self._virtual = virtual
        self._failpoints = failpoints
        self._letters: list[Letter] = []

    @property
    def correlation_id(self) -> str | None:
        """The id of the request that began the chain of messages."""
        return self.envelopes[0].correlation_id

    async def reach(self, name: str) -> None:
        """Pass a named place at which tests may strike."""
        await self._failpoints.reach(name)

    @asynccontextmanager
    async def intent(self) -> AsyncGenerator[Connection, None]:
        """Open the transaction that says what is about to be done outside.

        Raises:
            LeaseLost: if a message has been delivered to another worker since.
        """
        await self.reach("intent.before")
        async with self.database.transaction() as db:
            now = self.now if self._virtual else None
            await mailbox.hold(db, self.envelopes, self._lease, now=now)
            yield db
        await self.reach("intent.after")

    @asynccontextmanager
    async def commit(self) -> AsyncGenerator[Connection, None]:
        """Open the transaction of the turn's effects; its messages are done with it.

        Raises:
            LeaseLost: if a message has been delivered to another worker since.
        """
        await self.reach("commit.before")
        self._letters.clear()
        async with self.database.transaction() as db:
            await mailbox.finish(db, self.envelopes)
            yield db
            await mailbox.post(db, self._letters, now=self.now if self._virtual else None)
        self.finished = True
        self.posted.update(letter.recipient for letter in self._letters)
        await self.reach("commit.after")

    def post(
        self,
        recipient: str,
        message: Message,
        *,
        lane: Lane = Lane.NORMAL,
        key: str | None = None,
        due_at: datetime | None = None,
    ) -> None:
        """Post ``message`` with the commit that is open.

        Args:
            lane: how urgent it is.
            key: posted at most once per recipient while the key is remembered.
            due_at: not delivered before (aware); None is at once.
        """
        first = self.envelopes[0]
        self._letters.append(
            Letter(
                recipient,
                message.kind,
                message,
                lane,
                key,
                due_at,
                first.correlation_id,
                first.id,
            )
        )
