"""The HTTP client of the API, and what each of its failures means to the person at the keyboard.

Where and with which key: ``LEADENGINE_URL`` and ``LEADENGINE_API_KEY``, else the address at which
the engine of the data directory listens, and the operator's key that lies there. That key goes to
this machine only: for any other host a key must be named on purpose.
"""

import os
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from scripts.output import ExitCode, Problem

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]
Query = Mapping[str, object]

TIMEOUT_SECONDS = 30.0
PAGE = 200
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
OPERATOR_KEY = "operator.key"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Target:
    """Which engine is meant, and the key for it."""

    url: str
    key: str


def target(environment: Mapping[str, str] | None = None) -> Target:
    """Find the engine and the key.

    Raises:
        Problem: if there is no key for it.
    """
    given = os.environ if environment is None else environment
    url, key = given.get("LEADENGINE_URL", ""), given.get("LEADENGINE_API_KEY", "")
    if url and key:
        return Target(url.rstrip("/"), key)
    from cluster.settings import Settings
    from scripts.lifecycle import state

    settings = Settings()  # pyright: ignore[reportCallIssue]
    found = None if url else state.running(settings.directory)
    url = (url or (found.url if found else "") or settings.url).rstrip("/")
    return Target(url, key or _operator_key(url, settings.directory))


def _operator_key(url: str, directory: Path) -> str:
    if urlsplit(url).hostname not in _LOOPBACK:
        raise Problem(
            f"There is no API key for {url}.",
            "The operator's key in the data directory is sent to this machine only.",
            next_steps=("export LEADENGINE_API_KEY=lge_live_…",),
            code=ExitCode.NOT_READY,
        )
    path = directory / OPERATOR_KEY
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        raise Problem(
            "The engine has not been started here yet.",
            f"{path} does not exist.",
            next_steps=("leadengine up", "LEADENGINE_DATA_DIR=… if it runs elsewhere"),
            code=ExitCode.NOT_READY,
        ) from None
    except PermissionError:
        raise Problem(
            f"{path} cannot be read.",
            "It belongs to the user who started the engine.",
            next_steps=("export LEADENGINE_API_KEY=lge_live_…",),
            code=ExitCode.NOT_READY,
        ) from None


@contextmanager
def connect(*, timeout: float = TIMEOUT_SECONDS) -> Generator["Api", None, None]:
    """Open the API; seconds are for each single request."""
    import httpx

    where = target()
    local = urlsplit(where.url).hostname in _LOOPBACK
    with httpx.Client(
        base_url=where.url,
        headers={"Authorization": f"Bearer {where.key}", "Accept": "application/json"},
        timeout=httpx.Timeout(timeout, connect=5.0),
        trust_env=not local,
    ) as http:
        yield Api(http)


class Api:
    """The API; every method answers with JSON values and raises `Problem`."""

    def __init__(self, http: "httpx.Client") -> None:
        self._http = http

    def get(self, path: str, query: Query | None = None) -> Json:
        """Read a resource."""
        return _json(self._send("GET", path, query))

    def post(self, path: str, body: object = None, query: Query | None = None) -> Json:
        """Create something or ask for something; a repeat of the request is known by its key."""
        headers = {"Idempotency-Key": str(uuid4())}
        content = {} if body is None else {"json": body}
        return _json(self._send("POST", path, query, headers=headers, **content))

    def put(self, path: str, body: object) -> Json:
        """Put something in place of what is there."""
        return _json(self._send("PUT", path, json=body))

    def delete(self, path: str) -> None:
        """Delete a resource."""
        self._send("DELETE", path)

    def upload(self, path: str, content: Iterable[bytes], query: Query, kind: str) -> Json:
        """Post a stream; it is never whole in memory."""
        headers = {"Content-Type": kind}
        return _json(
            self._send("POST", path, query, content=content, headers=headers, timeout=600.0)
        )

    def items(
        self, path: str, query: Query | None = None, most: int | None = None
    ) -> Iterator[Json]:
        """Walk through a list, page by page; at most ``most`` items."""
        wanted: dict[str, object] = dict(query or {})
        left = most
        while left is None or left > 0:
            page = self.get(path, wanted | {"limit": PAGE if left is None else min(PAGE, left)})
            items = page.get("items", [])
            yield from items
            left = None if left is None else left - len(items)
            if not items or not page.get("next"):
                return
            wanted["cursor"] = page["next"]

    @contextmanager
    def stream(
        self, path: str, query: Query | None = None, accept: str = "*/*"
    ) -> Generator[Iterator[bytes], None, None]:
        """Read an answer piece by piece."""
        import httpx

        try:
            with self._http.stream(
                "GET", path, params=_params(query), headers={"Accept": accept}, timeout=600.0
            ) as response:
                if response.is_error:
                    response.read()
                    raise problem_of(response)
                yield response.iter_bytes()
        except httpx.TransportError as error:
            raise unreachable(error, str(self._http.base_url)) from error

    def patiently(self, path: str, query: Query | None = None) -> Json:
        """Read a resource; an engine that is away for a moment is waited for."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.get(path, query)
            except Problem as problem:
                if problem.code is not ExitCode.NOT_READY or time.monotonic() > deadline:
                    raise
            time.sleep(POLL_SECONDS)

    def _send(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> "httpx.Response":
        import httpx

        try:
            response = self._http.request(method, path, params=_params(query), **kwargs)
        except httpx.TransportError as error:
            raise unreachable(error, str(self._http.base_url)) from error
        if response.is_error:
            raise problem_of(response)
        return response


def _params(query: Query | None) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for name, value in (query or {}).items():
        many = value if isinstance(value, list | tuple) else [value]
        pairs.extend((name, _text(one)) for one in many if one is not None)  # pyright: ignore[reportUnknownArgumentType]
    return tuple(pairs)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(response: "httpx.Response") -> Json:
    if response.status_code == 204 or not response.content:
        return {}
    try:
        body = response.json()
    except ValueError:
        raise _stranger(str(response.request.url)) from None
    return body if isinstance(body, dict) else {"items": body}


def _stranger(url: str) -> Problem:
    return Problem(
        f"What answers at {url} is not a Lead Engine.",
        "The answer was no JSON.",
        next_steps=("leadengine doctor", "export LEADENGINE_URL=http://127.0.0.1:PORT"),
        code=ExitCode.NOT_READY,
    )


def unreachable(error: Exception, url: str) -> Problem:
    """Say that the engine could not be reached."""
    import httpx

    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return Problem(
            f"The engine at {url} did not answer in time.",
            "It may be busy, starting or stopping.",
            next_steps=("leadengine status", "leadengine doctor"),
            code=ExitCode.NOT_READY,
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Problem(
            f"Nothing answers at {url}.",
            "The engine is not running, or it listens elsewhere (LEADENGINE_URL).",
            next_steps=("leadengine up",),
            code=ExitCode.NOT_READY,
        )
    return Problem(
        f"The connection to {url} broke off.",
        str(error),
        next_steps=("leadengine status",),
        code=ExitCode.NOT_READY,
    )


def problem_of(response: "httpx.Response") -> Problem:
    """Turn an error answer (problem+json) into words."""
    body = _problem_body(response)
    if body is None:
        return _unexplained(response)
    what = str(body.get("detail") or body.get("title"))
    code, steps = _meaning(response)
    return Problem(
        what,
        "; ".join(error for error in _field_errors(body) if error not in what),
        next_steps=steps,
        code=code,
        reference=response.headers.get("x-request-id") or body.get("request_id"),
        reason=_reason(body),
    )


def _problem_body(response: "httpx.Response") -> Json | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) and ("title" in body or "detail" in body) else None


def _unexplained(response: "httpx.Response") -> Problem:
    if response.status_code in {502, 503, 504}:
        return Problem(
            "The engine is not ready.",
            f"It answered {response.status_code}.",
            next_steps=("leadengine status", "leadengine doctor"),
            code=ExitCode.NOT_READY,
        )
    if response.status_code < 500 and "json" not in response.headers.get("content-type", ""):
        return _stranger(str(response.request.url))
    return Problem(
        f"The engine answered {response.status_code} without a reason.",
        next_steps=("leadengine doctor",),
        reference=response.headers.get("x-request-id"),
    )


def _meaning(response: "httpx.Response") -> tuple[ExitCode, tuple[str, ...]]:
    """The exit code of a status, and what helps."""
    match response.status_code:
        case 400 | 413 | 415 | 422:
            return ExitCode.USAGE, ()
        case 401:
            return ExitCode.FAILED, (
                "unset LEADENGINE_API_KEY, or give one that is valid for this engine",
            )
        case 403:
            return ExitCode.REFUSED, ("leadengine keys list shows what each key may do",)
        case 429:
            wait = response.headers.get("retry-after", "a few")
            return ExitCode.FAILED, (f"the same command again in {wait} seconds",)
        case 502 | 503 | 504:
            return ExitCode.NOT_READY, ("leadengine status", "leadengine doctor")
        case _:
            return ExitCode.FAILED, ()


def _reason(body: Json) -> str | None:
    """The stable word for what is wrong."""
    errors = body.get("errors")
    return str(errors[0].get("reason")) if isinstance(errors, list) and errors else None


def _field_errors(body: Json) -> list[str]:
    """What is wrong beside what the detail says already."""
    errors = [one for one in body.get("errors") or [] if isinstance(one, dict)][:5]
    told = [(str(one.get("field") or "request"), str(one.get("message"))) for one in errors]
    detail = str(body.get("detail"))
    return [f"{field}: {message}" for field, message in told if message not in detail]
