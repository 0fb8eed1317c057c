"""Keeps a port of Serve's replicas off the network.

Every replica listens on all interfaces for calls from other deployments and unpickles what it is
sent, without asking who sends it: whoever reaches that port runs code as us. Ray's token does not
cover it, and there is no setting for the address.

Sources:
    ray/serve/_private/replica.py of Ray 2.60, ``_on_initialized``.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import ray.util

Bind = Callable[[Any, str], int]


def stay_on_loopback() -> None:
    """In a Ray that lives on loopback, let this replica listen there only; call it at its start.

    Raises:
        AttributeError: if Serve no longer opens the port in the way that we know.
    """
    if ray.util.get_node_ip_address() != "127.0.0.1":
        return
    replica: Any = import_module("ray.serve._private.replica")
    replica.add_port_to_grpc_server = _on_loopback(replica.add_port_to_grpc_server)


def _on_loopback(bind: Bind) -> Bind:
    def bound(server: object, address: str) -> int:
        return bind(server, address.replace("[::]", "127.0.0.1"))

    return bound
