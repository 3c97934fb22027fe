"""Every store, and workers to put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from llmbus.shared.settings import StoreSettings
from llmbus.shared.store.interface import Store
from llmbus.shared.store.memory import MemoryStore
from llmbus.shared.store.redis import RedisStore


@pytest.fixture
def store_settings(redis_url: str, key_prefix: str) -> StoreSettings:
    return StoreSettings(redis_url=SecretStr(redis_url), prefix=key_prefix)


@pytest.fixture(params=["memory", "redis"])
def closed_store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    settings: StoreSettings = request.getfixturevalue("store_settings")
    return RedisStore(settings)


@pytest.fixture
async def store(closed_store: Store) -> AsyncIterator[Store]:
    async with closed_store as opened:
        yield opened
