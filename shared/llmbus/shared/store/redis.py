"""The store on Redis 7.0 or newer (no later command is used). The only module that knows Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self, cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from llmbus.shared.errors import (
    ClosedError,
    ConfigurationError,
    StoreLoginError,
    StoreUnreachableError,
    redact_url,
)
from llmbus.shared.settings import StoreSettings
from llmbus.shared.store.interface import WorkerEntry, checked_lifetime
from llmbus.shared.store.keys import Keys

__all__ = ["RedisStore"]

_LONGEST_CALL_SECONDS: Final = 5.0  # all retries of one call together

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

_redis_from_url: Callable[..., Redis] = cast(Any, Redis).from_url  # its keywords have no types


class RedisStore:
    """A `Store` that all processes with the same Redis and the same prefix share."""

    def __init__(self, settings: StoreSettings) -> None:
        """`ConfigurationError` if the address cannot be understood. Connects at the first call."""
        self._address = redact_url(settings.redis_url.get_secret_value())
        self._keys = Keys(settings.prefix)
        self._redis = _client(settings.redis_url.get_secret_value(), self._address)
        self._announce: AsyncScript = self._redis.register_script(_ANNOUNCE)
        self._list: AsyncScript = self._redis.register_script(_LIST)
        self._is_open = False

    async def __aenter__(self) -> Self:
        self._is_open = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_open = False
        await self._redis.aclose()

    async def announce(self, worker: WorkerEntry, lifetime: timedelta) -> None:
        milliseconds = checked_lifetime(lifetime) // timedelta(milliseconds=1)
        async with self._call():
            await self._announce(
                keys=[self._keys.workers, self._keys.worker(worker.worker_id)],
                args=[worker.worker_id, milliseconds, *_as_fields(worker)],
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

    @asynccontextmanager
    async def _call(self) -> AsyncGenerator[None]:
        if not self._is_open:
            raise ClosedError("the store is not open: use `async with`")
        try:
            async with asyncio.timeout(_LONGEST_CALL_SECONDS):
                yield
        except (AuthenticationError, NoPermissionError) as error:
            raise StoreLoginError(
                f"Redis at {self._address} refused the user or the password:"
                f" change LLMBUS_REDIS_URL ({_first_line(error)})"
            ) from error
        except (RedisError, OSError) as error:
            raise StoreUnreachableError(
                f"Redis at {self._address} does not serve us: is LLMBUS_REDIS_URL right,"
                f" and is Redis running? ({_first_line(error)})"
            ) from error


def _client(url: str, address: str) -> Redis:
    try:
        # The library's defaults (5 s per read, ten retries) make one call hang for a minute.
        # Every call here may be repeated, so two quick retries bridge a dropped connection.
        return _redis_from_url(
            url,
            socket_connect_timeout=2.0,
            socket_timeout=2.0,
            retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), 2),
        )
    except ValueError as error:
        raise ConfigurationError(
            f"LLMBUS_REDIS_URL: {address} is not redis[s]://[user:password@]host:port/db"
        ) from error


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


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
