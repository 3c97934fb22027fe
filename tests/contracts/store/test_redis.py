"""What only the Redis store promises: expiry without a sweep, the server's time, clear errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis.asyncio
from pydantic import SecretStr

from llmbus.shared.errors import ConfigurationError, StoreLoginError, StoreUnreachableError
from llmbus.shared.settings import StoreSettings
from llmbus.shared.store.interface import Store
from llmbus.shared.store.keys import Keys
from llmbus.shared.store.redis import RedisStore
from tests.contracts.store.entries import LONG, SHORT, entry
from tests.support.waiting import eventually


@pytest.fixture
async def raw(redis_url: str) -> AsyncIterator[Any]:
    """Redis itself, to look behind the store."""
    client: Any = redis.asyncio.Redis.from_url(redis_url)  # pyright: ignore[reportUnknownMemberType]
    async with client:
        yield client


@pytest.fixture
async def redis_store(store_settings: StoreSettings) -> AsyncIterator[Store]:
    async with RedisStore(store_settings) as opened:
        yield opened


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    return Keys(key_prefix)


async def test_nothing_is_left_behind_when_all_workers_die(
    redis_store: Store, raw: Any, key_prefix: str
) -> None:
    await redis_store.announce(entry("w-1"), SHORT)
    await redis_store.announce(entry("w-2"), SHORT * 2)

    async def no_key_is_left() -> bool:
        return not await raw.keys(f"{key_prefix}*")

    await eventually(no_key_is_left, "Redis drops all keys, though nobody lists the workers")


async def test_a_short_announcement_does_not_shorten_the_index(
    redis_store: Store, raw: Any, keys: Keys
) -> None:
    await redis_store.announce(entry("w-1"), LONG)
    await redis_store.announce(entry("w-2"), SHORT)
    assert await raw.pttl(keys.workers) > SHORT / timedelta(milliseconds=1)


async def test_announcing_sweeps_who_has_expired(redis_store: Store, raw: Any, keys: Keys) -> None:
    await redis_store.announce(entry("dead"), SHORT)

    async def has_expired() -> bool:
        return not await raw.exists(keys.worker("dead"))

    await eventually(has_expired, "the entry expires")
    await redis_store.announce(entry("alive"), LONG)
    assert await raw.zrange(keys.workers, 0, -1) == [b"alive"]


async def test_expiry_counts_by_the_time_of_the_server(
    redis_store: Store, raw: Any, keys: Keys
) -> None:
    """A client's clock plays no part: the score is the server's time plus the lifetime, and the
    entry itself expires in that same millisecond."""
    before, _ = await raw.time()
    await redis_store.announce(entry("w-1"), LONG)
    after, _ = await raw.time()
    score = await raw.zscore(keys.workers, "w-1")
    assert before <= score / 1000 - LONG.total_seconds() <= after + 1
    assert await raw.pexpiretime(keys.worker("w-1")) == score


async def test_people_can_read_an_entry(redis_store: Store, raw: Any, keys: Keys) -> None:
    await redis_store.announce(entry("w-1"), LONG)
    fields = await raw.hgetall(keys.worker("w-1"))
    assert fields[b"lanes"] == b'["anthropic-claude","openai-gpt"]'
    assert fields[b"slots_used"] == b"3"


async def test_entries_of_other_releases_do_no_harm(
    redis_store: Store, raw: Any, keys: Keys
) -> None:
    """A field that is not known is ignored; an entry that cannot be read is left out."""
    await redis_store.announce(entry("newer"), LONG)
    await redis_store.announce(entry("unreadable"), LONG)
    await raw.hset(keys.worker("newer"), "field_of_the_future", b'{"a": 1}')
    await raw.hset(keys.worker("unreadable"), "slots_used", b"not json")
    assert [worker.worker_id for worker in await redis_store.workers()] == ["newer"]


async def test_two_prefixes_never_meet(redis_store: Store, redis_url: str, key_prefix: str) -> None:
    await redis_store.announce(entry("w-1"), LONG)
    other = StoreSettings(redis_url=SecretStr(redis_url), prefix=f"{key_prefix}-other")
    async with RedisStore(other) as other_store:
        assert await other_store.workers() == []


async def test_scripts_are_sent_again_after_a_restart_of_redis(
    redis_store: Store, raw: Any
) -> None:
    await redis_store.announce(entry("w-1"), LONG)
    await raw.script_flush()
    await redis_store.announce(entry("w-1"), LONG)
    assert len(await redis_store.workers()) == 1


async def test_a_dropped_connection_is_bridged(redis_url: str, key_prefix: str, raw: Any) -> None:
    named = SecretStr(f"{redis_url}?client_name={key_prefix}")
    async with RedisStore(StoreSettings(redis_url=named, prefix=key_prefix)) as store:
        await store.announce(entry("w-1"), LONG)
        (connection,) = [c for c in await raw.client_list() if c["name"] == key_prefix]
        await raw.client_kill_filter(_id=connection["id"])
        assert len(await store.workers()) == 1


async def test_no_redis_there_names_the_setting(unused_tcp_port: int) -> None:
    url = f"redis://:s3cret-word@127.0.0.1:{unused_tcp_port}/0"
    async with RedisStore(StoreSettings(redis_url=SecretStr(url))) as store:
        with pytest.raises(StoreUnreachableError, match="LLMBUS_REDIS_URL") as caught:
            await store.workers()
    assert "s3cret-word" not in str(caught.value)


async def test_a_wrong_password_names_the_setting(redis_url: str) -> None:
    parts = urlsplit(redis_url)
    url = f"redis://somebody:s3cret-word@{parts.hostname}:{parts.port}/0"
    async with RedisStore(StoreSettings(redis_url=SecretStr(url))) as store:
        with pytest.raises(StoreLoginError, match="LLMBUS_REDIS_URL") as caught:
            await store.announce(entry("w-1"), LONG)
    assert "s3cret-word" not in str(caught.value)


async def test_a_redis_that_does_not_answer_is_given_up_within_seconds() -> None:
    """A listener that accepts and says nothing stands for a frozen server."""
    done = asyncio.Event()

    async def accept_and_stay_silent(
        _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await done.wait()
        writer.close()

    async with await asyncio.start_server(accept_and_stay_silent, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        settings = StoreSettings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))
        async with RedisStore(settings) as store, asyncio.timeout(10):
            with pytest.raises(StoreUnreachableError):
                await store.workers()
        done.set()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:port/0", "redis://127.0.0.1:6379?db=none"])
def test_an_address_that_makes_no_sense_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigurationError, match="LLMBUS_REDIS_URL"):
        RedisStore(StoreSettings(redis_url=SecretStr(url)))
