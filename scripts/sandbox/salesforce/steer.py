"""Steers the sandbox's org from Python: sales people, outbound messages, its account."""

from typing import Any

import httpx

from scripts.sandbox.control import PREFIX
from scripts.sandbox.process import SandboxError
from scripts.sandbox.salesforce.conditions import OrgConditions


class OrgControl:
    """What a rehearsal does to the org behind the engine's back.

    Args:
        url: of the sandbox, such as `SandboxProcess.url`.
    """

    def __init__(self, url: str) -> None:
        base = f"{url}{PREFIX}/salesforce"
        self._client = httpx.Client(base_url=base, trust_env=False, timeout=30)

    def act(self, do: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  (see `people.Act`)
        """Let sales people ``do`` something, such as ``act("convert", count=5)``."""
        return self._asked("POST", "/act", {"do": do, **more})

    def tell(self, url: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        """Send outbound messages to ``url``; see `outbound.Target`."""
        return self._asked("PUT", "/outbound", {"url": url, **more})

    def tell_nobody(self) -> dict[str, Any]:
        """Send no more outbound messages."""
        return self._asked("DELETE", "/outbound")

    def waiting(self) -> int:
        """Outbound messages that are not acknowledged yet."""
        return self._asked("GET", "/outbound")["waiting"]

    def set(self, **conditions: Any) -> None:  # noqa: ANN401
        """Change how the org behaves; see `conditions.OrgConditions`."""
        self._asked("PUT", "/settings", conditions)

    def calm(self) -> None:
        """Behave as from the start, all faults off."""
        self._asked("DELETE", "/faults")
        self.set(**OrgConditions().model_dump(exclude={"calls_used"}))

    def book(self, *, each: bool = True) -> dict[str, Any]:
        """The org's account; see `book.OrgBook`."""
        return self._asked("GET", f"/book?each={str(each).lower()}")

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def _asked(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        response = self._client.request(method, path, json=body)
        if not response.is_success:
            raise SandboxError(f"{method} {path}: {response.text}")
        return response.json()
