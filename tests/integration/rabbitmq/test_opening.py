"""Opening a bus: what fails, how it is explained, and that no password is shown."""

from __future__ import annotations

import asyncio
import time
import traceback
from urllib.parse import urlsplit, urlunsplit

import pytest
from pydantic import SecretStr

from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.errors import (
    BrokerLoginError,
    BrokerUnreachableError,
    BrokerVhostError,
    LlmbusError,
)
from llmbus.shared.settings import BusSettings
from tests.integration.rabbitmq.administration import Administration
from tests.integration.rabbitmq.conftest import Logged
from tests.integration.rabbitmq.proxy import Proxy


def with_url(settings: BusSettings, **changes: str) -> BusSettings:
    parts = urlsplit(settings.amqp_url.get_secret_value())
    return settings.model_copy(
        update={"amqp_url": SecretStr(urlunsplit(parts._replace(**changes)))}
    )


async def failure_of(settings: BusSettings) -> LlmbusError:
    """The error with which the bus does not open, after a check that no secret is in it."""
    with pytest.raises(LlmbusError) as caught:
        await RabbitmqBus(settings).__aenter__()
    password = urlsplit(settings.amqp_url.get_secret_value()).password
    assert password
    assert password not in "".join(traceback.format_exception(caught.value))
    assert password not in repr(caught.value)
    return caught.value


async def test_the_version_is_known_and_nothing_is_said(
    bus_settings: BusSettings, logged: Logged
) -> None:
    async with RabbitmqBus(bus_settings) as bus:
        await bus.declare(bus_settings.layout.for_results("o"))
        assert bus.broker_version >= (3, 10, 0)
    assert logged.lines == []


async def test_a_wrong_password_is_a_login_error_at_once(bus_settings: BusSettings) -> None:
    parts = urlsplit(bus_settings.amqp_url.get_secret_value())
    address = parts.netloc.rpartition("@")[2]
    started = time.monotonic()

    error = await failure_of(
        with_url(bus_settings, netloc=f"{parts.username}:not-the-secret@{address}")
    )

    assert isinstance(error, BrokerLoginError)
    assert "LLMBUS_AMQP_URL" in str(error)
    assert time.monotonic() - started < bus_settings.connect_timeout_seconds / 2


async def test_a_missing_vhost_is_a_vhost_error_at_once(bus_settings: BusSettings) -> None:
    error = await failure_of(with_url(bus_settings, path="/no-such-vhost"))

    assert isinstance(error, BrokerVhostError)
    assert "path of LLMBUS_AMQP_URL" in str(error)
    assert "no-such-vhost not found" in str(error)


async def test_a_vhost_without_permission_is_a_vhost_error(
    bus_settings: BusSettings, administration: Administration
) -> None:
    await administration.forbid_everything()

    error = await failure_of(bus_settings)

    assert isinstance(error, BrokerVhostError)
    assert "refused" in str(error)


async def test_a_connection_limit_may_pass_so_it_is_tried_until_the_deadline(
    bus_settings: BusSettings, administration: Administration
) -> None:
    await administration.allow_connections(0)

    error = await failure_of(bus_settings.model_copy(update={"connect_timeout_seconds": 1.0}))

    assert isinstance(error, BrokerUnreachableError)
    assert "limit" in str(error)


async def test_an_unreachable_broker_is_tried_until_the_deadline(
    proxied: BusSettings, proxy: Proxy
) -> None:
    await proxy.refuse()

    error = await failure_of(proxied.model_copy(update={"connect_timeout_seconds": 1.0}))

    assert isinstance(error, BrokerUnreachableError)
    assert "tried for 1 s" in str(error)
    assert "127.0.0.1" in str(error)


async def test_a_broker_that_comes_up_within_the_deadline_is_found(
    proxied: BusSettings, proxy: Proxy, logged: Logged
) -> None:
    await proxy.refuse()
    opening = asyncio.create_task(RabbitmqBus(proxied).__aenter__())
    await asyncio.wait({opening}, timeout=0.3)
    assert not opening.done()

    await proxy.listen()

    bus = await opening
    await bus.__aexit__(None, None, None)
    assert logged.lines == []


async def test_a_silent_server_is_unreachable(proxied: BusSettings, proxy: Proxy) -> None:
    proxy.freeze()

    error = await failure_of(proxied.model_copy(update={"connect_timeout_seconds": 0.5}))

    assert isinstance(error, BrokerUnreachableError)
    assert "no answer" in str(error)


async def test_a_server_of_another_kind_is_unreachable(bus_settings: BusSettings) -> None:
    async def answer_in_http(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer_in_http, "127.0.0.1", 0)
    async with server:
        address = f"me:the-secret@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        error = await failure_of(
            with_url(bus_settings, netloc=address).model_copy(
                update={"connect_timeout_seconds": 0.5}
            )
        )
    assert isinstance(error, BrokerUnreachableError)


async def test_a_bus_shows_no_secret(bus: RabbitmqBus, bus_settings: BusSettings) -> None:
    password = urlsplit(bus_settings.amqp_url.get_secret_value()).password
    assert password
    assert password not in repr(bus)
    assert password not in str(vars(bus))
