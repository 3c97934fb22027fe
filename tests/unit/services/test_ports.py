"""Ports that are handed to servers."""

import socket

from tests.services.ports import free_ports, is_taken, ports_no_client_gets


def test_ports_differ_and_can_be_bound() -> None:
    ports = free_ports(20)

    assert len(set(ports)) == 20
    for port in ports:
        with socket.socket() as server:
            server.bind(("127.0.0.1", port))


def test_ports_are_outside_of_what_the_kernel_gives_to_clients() -> None:
    allowed = ports_no_client_gets()
    with socket.create_server(("127.0.0.1", 0)) as server:
        ephemeral = server.getsockname()[1]

    assert ephemeral not in allowed
    assert all(port in allowed for port in free_ports(20))


def test_a_port_is_taken_while_something_listens_on_it() -> None:
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        assert is_taken(port)

    assert not is_taken(port)
