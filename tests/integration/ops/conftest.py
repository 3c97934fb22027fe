"""A broker and a Redis for the command, with what should be seen in them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from llmbus.shared.settings import StoreSettings
from llmbus.shared.store.interface import Store
from llmbus.shared.store.redis import RedisStore


@pytest.fixture
async def store(redis_url: str, key_prefix: str) -> AsyncIterator[Store]:
    async with RedisStore(
        StoreSettings(redis_url=SecretStr(redis_url), prefix=key_prefix)
    ) as opened:
        yield opened


@pytest.fixture
def no_port(unused_tcp_port: int) -> int:
    """Where nobody listens."""
    return unused_tcp_port
