"""Serve's own HAProxy template, with everything closed that it leaves open."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from cluster import haproxy

PAGE = Path("/x/away.http")


@pytest.fixture(scope="module")
def template() -> str:
    """The template of the Ray that is installed, read without importing Ray."""
    spec = find_spec("ray")
    assert spec is not None
    assert spec.submodule_search_locations
    module = Path(spec.submodule_search_locations[0], "serve/_private/haproxy_templates.py")
    names: dict[str, str] = {}
    exec(module.read_text(), names)
    text = names["HAPROXY_CONFIG_TEMPLATE"]
    for name, value in {
        "config.frontend_host": "127.0.0.1",
        "config.frontend_port": "8000",
        "config.log_target": "127.0.0.1:514",
        "config.socket_path": "/x/admin.sock",
        "config.error_file_path": "/x/500.http",
    }.items():
        text = text.replace("{{ " + name + " }}", value)
    return text


def test_nothing_under_the_proxys_own_path_is_answered(template: str) -> None:
    closed = haproxy.harden(template, "127.0.0.1", PAGE)
    rules = closed.split("frontend http_frontend\n")[1]
    ours, theirs = rules.index("path_beg -i /-/"), rules.index("acl routes path -i /-/routes")
    assert ours < theirs
    assert "return status 404" in rules[:ours]


def test_no_port_but_the_front_door_is_open(template: str) -> None:
    closed = haproxy.harden(template, "192.0.2.1", PAGE)
    binds = re.findall(r"^\s+bind (\S+)", closed.split("{%- if config.grpc_enabled %}")[0], re.M)
    assert "frontend prometheus" not in closed
    assert "listen stats" not in closed
    assert binds[-1:] in ([], ["192.0.2.1:8000"])
    assert "bind 192.0.2.1:8000" in closed


def test_requests_are_not_told_to_syslog_and_the_socket_is_ours(template: str) -> None:
    closed = haproxy.harden(template, "127.0.0.1", PAGE)
    assert "127.0.0.1:514" not in closed
    assert "mode 666" not in closed
    assert "/x/admin.sock mode 600 level admin" in closed


def test_a_client_chooses_neither_its_time_limit_nor_its_address(template: str) -> None:
    closed = haproxy.harden(template, "127.0.0.1", PAGE)
    assert "del-header x-request-timeout-seconds" in closed
    assert "del-header x-request-disconnect-disabled" in closed
    assert "set-header x-forwarded-for %[src]" in closed


def test_who_is_away_says_when_to_ask_again(template: str) -> None:
    assert template.count("/x/500.http") == 3
    closed = haproxy.harden(template, "127.0.0.1", PAGE)
    assert closed.count(f"errorfile 503 {PAGE}") == 1
    head, body = haproxy.away().split("\r\n\r\n")
    assert "Retry-After: 2" in head
    assert f"Content-Length: {len(body)}" in head


def test_a_template_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(haproxy.UnknownTemplate):
        haproxy.harden("global\n    maxconn 10\n", "*", PAGE)


def test_every_address_means_every_address() -> None:
    assert haproxy.address("0.0.0.0") == "*"
    assert haproxy.address("127.0.0.1") == "127.0.0.1"
