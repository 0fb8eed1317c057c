"""LinkedIn's webhooks: validated by a challenge, told of new and deleted responses.

Everything is sent from a thread of its own, one after the other, so that the order is the one
that was asked for and the sandbox goes on answering.
"""

import hmac
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from queue import SimpleQueue
from typing import Any, Literal
from uuid import uuid4

import httpx
import orjson

from scripts.sandbox.common import LOGGED

Signature = Literal["signed", "unsigned", "wrong"]
MOST_FAILURES = 3
_PATIENCE = 3.0
_OK = 200


@dataclass(slots=True)
class Hook:
    """A subscription.

    Attributes:
        blocked: its challenge failed three times; nothing is sent until a new one is answered.
    """

    id: int
    webhook: str
    owner: dict[str, str]
    lead_type: str
    validated: bool = False
    failures: int = 0
    problem: str = ""

    @property
    def blocked(self) -> bool:
        """Whether it gets nothing any more."""
        return self.failures >= MOST_FAILURES

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Hook":
        """A subscription from before a restart; it was validated then."""
        owner, kind = told["owner"], told["leadType"]
        return cls(told["id"], told["webhook"], owner, kind, validated=True)

    def shown(self) -> dict[str, Any]:
        """As LinkedIn tells of it."""
        return {
            "id": self.id,
            "webhook": self.webhook,
            "owner": self.owner,
            "leadType": self.lead_type,
        }


def signature(secret: str, body: bytes) -> str:
    """``X-LI-Signature``: the prefix is signed, but not sent."""
    return hmac.new(secret.encode(), b"hmacsha256=" + body, sha256).hexdigest()


class Hooks:
    """All subscriptions of the sandbox, and what was sent to them.

    Args:
        secret: the app's client secret, now.
    """

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret
        self.all: dict[int, Hook] = {}
        self.sent: deque[dict[str, Any]] = deque(maxlen=LOGGED)
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._pending = 0
        self._thread: threading.Thread | None = None
        self._next = 4001

    def subscribe(self, webhook: str, owner: dict[str, str], lead_type: str) -> Hook:
        """Add a subscription; its challenge follows at once."""
        hook = Hook(self._next, webhook, owner, lead_type)
        self.add(hook)
        self._do(lambda: self._challenge(hook))
        return hook

    def add(self, hook: Hook) -> None:
        """Add a subscription as it is."""
        self.all[hook.id] = hook
        self._next = max(self._next, hook.id + 1)

    def challenge(self) -> None:
        """Challenge all, as LinkedIn does every two hours; blocked ones too, as by hand."""
        for hook in self.all.values():
            self._do(lambda hook=hook: self._challenge(hook))

    def notify(self, note: dict[str, Any], how: Signature) -> None:
        """Tell everybody who wants to know."""
        for hook in list(self.all.values()):
            if hook.owner == note["owner"] and hook.lead_type == note["leadType"]:
                self._do(lambda hook=hook: self._send(hook, note, how))

    def reset(self) -> None:
        """Forget all subscriptions; what is on its way still arrives."""
        self.all.clear()
        self.sent.clear()

    def shown(self) -> dict[str, Any]:
        """The subscriptions, what was sent, and how much is still on its way."""
        hooks = [
            {
                **hook.shown(),
                "validated": hook.validated,
                "blocked": hook.blocked,
                "problem": hook.problem,
            }
            for hook in self.all.values()
        ]
        return {"hooks": hooks, "sent": list(self.sent), "pending": self._pending}

    def _do(self, job: Callable[[], None]) -> None:
        self._pending += 1
        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            finally:
                self._pending -= 1

    def _challenge(self, hook: Hook) -> None:
        code = str(uuid4())
        hook.problem = self._answered(hook.webhook, code)
        hook.validated = not hook.problem
        hook.failures = 0 if hook.validated else hook.failures + 1

    def _answered(self, url: str, code: str) -> str:
        """What is wrong with the answer to a challenge; empty if nothing is."""
        digest = hmac.new(self._secret().encode(), code.encode(), sha256).hexdigest()
        wanted = {"challengeCode": code, "challengeResponse": digest}
        try:
            answer = httpx.get(
                url, params={"challengeCode": code}, timeout=_PATIENCE, trust_env=False
            )
        except httpx.HTTPError as error:
            return f"{type(error).__name__} within {_PATIENCE:.0f} s"
        if answer.status_code != _OK:
            return f"status {answer.status_code}"
        kind = answer.headers.get("content-type", "")
        if not kind.startswith("application/json"):
            return f"content type {kind or 'missing'}"
        try:
            said: object = answer.json()
        except ValueError:
            return "no JSON"
        return "" if said == wanted else "a wrong challengeResponse"

    def _send(self, hook: Hook, note: dict[str, Any], how: Signature) -> None:
        told: dict[str, Any] = {
            "hook": hook.id,
            "action": note["leadAction"],
            "response": note["leadGenFormResponse"].rpartition(":")[2],
        }
        if not hook.validated or hook.blocked:
            self.sent.append({**told, "status": 0, "problem": "the hook is not validated"})
            return
        body = orjson.dumps(note)
        headers = {"content-type": "application/json"}
        if how != "unsigned":
            secret = self._secret() if how == "signed" else "another secret"
            headers["X-LI-Signature"] = signature(secret, body)
        try:
            answer = httpx.post(
                hook.webhook, content=body, headers=headers, timeout=_PATIENCE, trust_env=False
            )
        except httpx.HTTPError as error:
            self.sent.append({**told, "status": 0, "problem": type(error).__name__})
            return
        self.sent.append({**told, "status": answer.status_code, "problem": ""})
