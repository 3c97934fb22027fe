"""Whatever asks for `transport` runs once per transport; `-k memory` needs no broker."""

from __future__ import annotations

import pytest

from tests.contracts.bus.transports import MemoryTransport, RabbitmqTransport, Transport


@pytest.fixture(params=["memory", "rabbitmq"])
def transport(request: pytest.FixtureRequest) -> Transport:
    if request.param == "memory":
        return MemoryTransport()
    return RabbitmqTransport(
        request.getfixturevalue("bus_settings"),
        request.getfixturevalue("rabbit_api"),
        request.getfixturevalue("vhost"),
    )
