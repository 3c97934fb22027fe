"""Who works where, in Redis."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Final, cast

import msgspec
from redis.commands.core import AsyncScript

from llmbus.shared.settings import StoreSettings
from llmbus.shared.store.interface import WorkerEntry
from llmbus.shared.store.lifetime import milliseconds
from llmbus.shared.store.redis.connection import RedisConnection

__all__ = ["RedisFleet"]

_SERVER_TIME: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number) return string.format('%.0f', number) end
"""

_ANNOUNCE: Final = (
    _SERVER_TIME
    + """
local workers, worker = KEYS[1], KEYS[2]
local id, expires = ARGV[1], now + tonumber(ARGV[2])
redis.call('HSET', worker, 'announced_ms', whole(now), unpack(ARGV, 3))
redis.call('PEXPIREAT', worker, whole(expires))
redis.call('ZREMRANGEBYSCORE', workers, '-inf', whole(now))
redis.call('ZADD', workers, whole(expires), id)
local last = redis.call('ZRANGE', workers, -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', workers, whole(tonumber(last[2])))
"""
)

_LIST: Final = (
    _SERVER_TIME
    + """
local workers, worker_prefix = KEYS[1], ARGV[1]
redis.call('ZREMRANGEBYSCORE', workers, '-inf', whole(now))
local found = {}
for _, id in ipairs(redis.call('ZRANGE', workers, 0, -1)) do
  found[#found + 1] = redis.call('HGETALL', worker_prefix .. id)
end
return {whole(now), found}
"""
)


class RedisFleet(RedisConnection):
    """The announcements of workers, each a hash that expires by itself."""

    def __init__(self, settings: StoreSettings) -> None:
        super().__init__(settings)
        self._announce: AsyncScript = self._redis.register_script(_ANNOUNCE)
        self._list: AsyncScript = self._redis.register_script(_LIST)

    async def announce(self, worker: WorkerEntry, lifetime: timedelta) -> None:
        life_ms = milliseconds(lifetime)
        async with self._call():
            await self._announce(
                keys=[self._keys.workers, self._keys.worker(worker.worker_id)],
                args=[worker.worker_id, life_ms, *_as_fields(worker)],
            )

    async def withdraw(self, worker_id: str) -> None:
        async with self._call(), self._redis.pipeline(transaction=True) as transaction:
            transaction.delete(self._keys.worker(worker_id))
            transaction.zrem(self._keys.workers, worker_id)
            await transaction.execute()

    async def workers(self) -> list[WorkerEntry]:
        async with self._call():
            now_ms, found = await cast(
                Awaitable[tuple[bytes, list[list[bytes]]]],
                self._list(keys=[self._keys.workers], args=[self._keys.worker_prefix]),
            )
        entries = (_as_entry(fields, int(now_ms)) for fields in found)
        return sorted((entry for entry in entries if entry), key=lambda entry: entry.worker_id)


def _as_fields(worker: WorkerEntry) -> list[str | bytes]:
    """Name, value, name, value …: JSON values, so that people can read the hash in redis-cli."""
    plain: dict[str, Any] = msgspec.to_builtins(worker)
    del plain["heartbeat_age"]
    return [part for name, value in plain.items() for part in (name, msgspec.json.encode(value))]


def _as_entry(fields: list[bytes], now_ms: int) -> WorkerEntry | None:
    """The entry, or None if it expired in this very moment or cannot be read."""
    pairs = zip(fields[::2], fields[1::2], strict=True)
    try:
        plain = {name.decode(): msgspec.json.decode(value) for name, value in pairs}
        age = timedelta(milliseconds=now_ms - plain.pop("announced_ms"))
        entry = msgspec.convert(plain, WorkerEntry)
    except (KeyError, TypeError, msgspec.MsgspecError):
        return None
    return msgspec.structs.replace(entry, heartbeat_age=age)
