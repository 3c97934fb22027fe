"""Redis as all share it, and Redis of a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis.asyncio
from pydantic import SecretStr

from llmbus.shared.settings import StoreSettings
from llmbus.shared.store.interface import Store
from llmbus.shared.store.redis import RedisStore
from tests.services import debian, native
from tests.services.binaries import RedisBinaries
from tests.services.errors import NoWayWorked, Unavailable
from tests.services.redis_server import running_redis
from tests.services.ways import Way, enter_first_that_works


@pytest.fixture
def store_settings(redis_url: str, key_prefix: str) -> StoreSettings:
    return StoreSettings(redis_url=SecretStr(redis_url), prefix=key_prefix)


@pytest.fixture
async def redis_store(store_settings: StoreSettings) -> AsyncIterator[Store]:
    async with RedisStore(store_settings) as opened:
        yield opened


@pytest.fixture
async def raw(redis_url: str) -> AsyncIterator[Any]:
    """Redis itself, to look behind the store."""
    client: Any = redis.asyncio.Redis.from_url(redis_url)  # pyright: ignore[reportUnknownMemberType]
    async with client:
        yield client


@pytest.fixture(scope="module")
def private_redis_url() -> Iterator[str]:
    """A Redis that these tests may break; the shared one is in use by others."""
    ways = [
        Way("native", lambda: running_redis(native.redis_binaries())),
        Way("deb", lambda: running_redis(_unpacked_binaries())),
    ]
    with ExitStack() as stack:
        try:
            server = enter_first_that_works("a private Redis", ways, stack).service
        except NoWayWorked as reasons:
            if reasons.start_failed:  # a fault to be seen, not a reason to skip a test
                raise
            pytest.skip(str(reasons))
        yield server.url


def _unpacked_binaries() -> RedisBinaries:
    if tree := debian.existing_tree():
        return debian.redis_in(tree)
    raise Unavailable("no tree of an earlier run, and nothing is downloaded for one test")


@pytest.fixture
async def private(private_redis_url: str) -> AsyncIterator[Any]:
    """The private Redis itself, emptied."""
    client: Any = redis.asyncio.Redis.from_url(private_redis_url)  # pyright: ignore[reportUnknownMemberType]
    async with client:
        await client.flushall()
        yield client


@pytest.fixture
async def private_store(private_redis_url: str, private: Any) -> AsyncIterator[Store]:
    settings = StoreSettings(redis_url=SecretStr(private_redis_url))
    async with RedisStore(settings) as opened:
        yield opened
