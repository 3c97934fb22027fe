"""Ports that stay free between being chosen here and being bound by a server."""

import random
import socket
from contextlib import ExitStack
from pathlib import Path

LOWEST_PORT = 10_000
HIGHEST_PORT = 65_535
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def ports_no_client_gets() -> range:
    """The ports that the kernel never hands to an outgoing connection.

    A port of its ephemeral range could be taken by any client of this machine between our choice
    and the server's bind. Falls back to all ports where that range leaves no room.
    """
    try:
        first_ephemeral = int(EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError):
        first_ephemeral = 32_768
    below = range(LOWEST_PORT, first_ephemeral)
    return below if len(below) >= 1_000 else range(LOWEST_PORT, HIGHEST_PORT + 1)


def free_ports(count: int) -> list[int]:
    """`count` different ports on which nothing listens, on any address of this machine."""
    candidates = iter(random.sample(ports_no_client_gets(), k=200))
    ports: list[int] = []
    with ExitStack() as held:  # held until all are chosen, so that they differ
        while len(ports) < count:
            port = next(candidates)
            probe = held.enter_context(socket.socket())
            try:
                probe.bind(("", port))
            except OSError:
                continue
            ports.append(port)
    return ports


def is_taken(port: int) -> bool:
    """Something listens on it now. Connections that are only winding down do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False
