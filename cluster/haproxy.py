"""Stands in for the HAProxy binary: closes what Serve's configuration leaves open, then runs it.

Serve writes HAProxy's configuration itself and has no setting for any of this, but it lets us name
the binary. What is closed: its own endpoints under ``/-/`` would tell the world the routes; its
metrics and statistics listen on every interface (and on fixed ports, so that two engines cannot
share a machine); its access log sends whole URLs, with the searched names in them, to syslog; its
control socket is open to everybody. A client must not choose how long its request may take, nor
what address it has, nor learn which server answers.

Run as a program by its path; it needs nothing but the standard library.

Sources:
    The template: ray/serve/_private/haproxy_templates.py of Ray 2.60.
"""

import json
import os
import re
import sys
from pathlib import Path

REAL_BINARY = "LEADENGINE_HAPROXY_BINARY"
ADDRESS = "LEADENGINE_HOST"
PROBLEM = {
    "type": "about:blank",
    "title": "Not found",
    "status": 404,
    "code": "NOT_FOUND",
    "detail": "There is nothing at this address.",
}
_AWAY = {
    "type": "about:blank",
    "title": "The engine is not ready",
    "status": 503,
    "code": "INTERNAL_ERROR",
    "detail": "No process can answer at the moment. Ask again in two seconds.",
}
_RULES = f"""\
    http-request return status 404 content-type application/problem+json string \
{json.dumps(json.dumps(PROBLEM))} if {{ path_beg -i /-/ }}
    http-request del-header x-request-timeout-seconds
    http-request del-header x-request-disconnect-disabled
    http-request set-header x-forwarded-for %[src]
    http-after-response del-header server
"""


class UnknownTemplate(Exception):
    """Serve's configuration is not the one that we know how to close."""


def harden(config: str, address: str, away_page: Path) -> str:
    """Return Serve's HAProxy configuration with everything closed.

    Args:
        address: where to listen, in HAProxy's form; Serve believes that it is loopback, so that
            its replicas, which answer HTTP too, stay there.
        away_page: a page in HAProxy's form that is shown when nobody answers.

    Raises:
        UnknownTemplate: if a part that must be closed is not found.
    """
    config = _without_section(config, "frontend prometheus")
    config = _without_section(config, "listen stats")
    config = _replaced(config, r"^\s+log \S+ local0 info\n", "")
    config = _replaced(config, r"(stats socket \S+) mode 666", r"\1 mode 600")
    config = re.sub(r"errorfile (50[234]) .*", rf"errorfile \1 {away_page}", config)
    bind = r"^frontend http_frontend\n\s+bind [^\n]+:(\d+)\n"
    front = rf"frontend http_frontend\n    bind {address}:\1\n"
    return _replaced(config, bind, lambda match: match.expand(front) + _RULES)


def address(host: str) -> str:
    """The host of the settings as HAProxy writes it."""
    return "*" if host in {"", "0.0.0.0", "::"} else host  # noqa: S104


def away() -> str:
    """The page that is shown when nobody answers, as HAProxy sends it."""
    body = json.dumps(_AWAY)
    return (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
        f"Retry-After: 2\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    )


def _without_section(config: str, header: str) -> str:
    return _replaced(config, rf"^{header}\n(?:[ \t]+[^\n]*\n|\n)*", "")


def _replaced(config: str, pattern: str, replacement: object) -> str:
    changed, times = re.subn(pattern, replacement, config, flags=re.MULTILINE)  # type: ignore[call-overload]
    if times != 1:
        raise UnknownTemplate(f"{pattern!r} occurs {times} times in the configuration, not once")
    return changed


def main(arguments: list[str]) -> None:
    """Close the configuration named by ``-f``, then become the real HAProxy."""
    file = Path(arguments[arguments.index("-f") + 1])
    page = file.with_name("away.http")
    page.write_text(away(), newline="")
    config = file.read_text()
    if _RULES not in config:
        file.write_text(harden(config, address(os.environ[ADDRESS]), page))
    binary = os.environ[REAL_BINARY]
    os.execv(binary, [binary, *arguments])  # noqa: S606 - the pid that Serve knows must remain


if __name__ == "__main__":
    main(sys.argv[1:])
