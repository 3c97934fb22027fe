"""What is special about a real RabbitMQ."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.settings import BusSettings
from tests.integration.rabbitmq.administration import Administration
from tests.integration.rabbitmq.proxy import Proxy
from tests.support.rabbit_api import RabbitApi, Vhost


@pytest.fixture
def administration(rabbit_api: RabbitApi, vhost: Vhost) -> Administration:
    return Administration(rabbit_api, vhost)


@pytest.fixture
async def bus(bus_settings: BusSettings) -> AsyncIterator[RabbitmqBus]:
    """An open bus; nothing is declared."""
    async with RabbitmqBus(bus_settings, name="test") as bus:
        yield bus


@pytest.fixture
async def proxy(bus_settings: BusSettings) -> AsyncIterator[Proxy]:
    async with Proxy(bus_settings.amqp_url.get_secret_value()) as proxy:
        yield proxy


@pytest.fixture
def proxied(bus_settings: BusSettings, proxy: Proxy) -> BusSettings:
    """The way to the broker that leads through `proxy`."""
    return bus_settings.model_copy(
        update={"amqp_url": SecretStr(proxy.url), "publish_timeout_seconds": 1.5}
    )


class Logged:
    """What the bus and the AMQP libraries have said, from INFO on."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Level and text."""
        return [
            (record.levelname, record.getMessage())
            for record in self._caplog.records
            if record.name.startswith(("llmbus", "aio_pika", "aiormq", "asyncio"))
            and record.levelno >= logging.INFO
        ]

    @property
    def from_libraries(self) -> list[str]:
        """Whatever did not come from llmbus itself."""
        return [
            f"{record.name}: {record.getMessage()}"
            for record in self._caplog.records
            if record.name.startswith(("aio_pika", "aiormq", "asyncio"))
            and record.levelno >= logging.INFO
        ]

    def at(self, level: str) -> list[str]:
        return [text for name, text in self.lines if name == level]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Logged:
    caplog.set_level(logging.INFO)
    return Logged(caplog)
