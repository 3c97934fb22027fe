"""The suite's own network fails as it is told, and only so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.faults.link import Direction, Link

PATIENCE_SECONDS = 10.0
NOTHING_COMES_SECONDS = 0.1


class Echo:
    """A server that says every byte again, and keeps what it heard."""

    def __init__(self) -> None:
        self.heard = bytearray()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1_000):
                self.heard += data
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def link(echo: Echo) -> AsyncIterator[Link]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Link("127.0.0.1", server.sockets[0].getsockname()[1]) as link:
        yield link


class Client:
    """One connection through the link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def hears(self, data: bytes) -> bool:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.readexactly(len(data)) == data

    async def hears_nothing(self) -> bool:
        try:
            async with asyncio.timeout(NOTHING_COMES_SECONDS):
                return not await self.reader.read(1)
        except TimeoutError:
            return True


@pytest.fixture
async def client(link: Link) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    client = Client(reader, writer)
    client.say(b"hello")
    assert await client.hears(b"hello")
    yield client
    writer.transport.abort()


async def test_what_is_held_passes_when_the_link_is_whole_again(link: Link, client: Client) -> None:
    link.hold()
    client.say(b"held")
    assert await client.hears_nothing()
    link.heal_wires()
    assert await client.hears(b"held")


async def test_half_open_to_the_server_nothing_arrives_there(
    link: Link, client: Client, echo: Echo
) -> None:
    link.hold(Direction.THERE)
    client.say(b"mute")
    assert await client.hears_nothing()
    assert bytes(echo.heard) == b"hello"


async def test_half_open_to_the_client_the_server_hears_all(
    link: Link, client: Client, echo: Echo
) -> None:
    link.hold(Direction.BACK)
    client.say(b"deaf")
    assert await client.hears_nothing()
    assert bytes(echo.heard) == b"hellodeaf"


async def test_reset_breaks_what_is_open_and_takes_new_connections(
    link: Link, client: Client
) -> None:
    link.reset()
    with pytest.raises(ConnectionResetError):
        await client.reader.readexactly(1)
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    again = Client(reader, writer)
    again.say(b"again")
    assert await again.hears(b"again")
    writer.transport.abort()


async def test_refused_until_it_listens_again_on_the_same_port(link: Link, client: Client) -> None:
    await link.refuse()
    with pytest.raises(ConnectionError):
        await client.reader.readexactly(1)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", link.port)
    await link.listen()
    _, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.transport.abort()


@pytest.mark.parametrize("dripping", [True, False])
async def test_slow_links_lose_nothing(link: Link, client: Client, dripping: bool) -> None:
    if dripping:
        link.drip()
    else:
        link.delay(0.05)
    data = bytes(range(256)) * 8
    client.say(data)
    assert await client.hears(data)
