"""One client, with our limits and our errors: what every part of the Redis store stands on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, cast

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from llmbus.shared.cancellation import no_cancellation_lost
from llmbus.shared.errors import (
    ClosedError,
    ConfigurationError,
    StoreLoginError,
    StoreUnreachableError,
    redact_url,
)
from llmbus.shared.settings import StoreSettings
from llmbus.shared.store.keys import Keys

__all__ = ["RedisConnection"]

_LONGEST_CALL_SECONDS: Final = 5.0  # all retries of one call together

_CONNECTIONS: Final = 16
"""Who asks while all are busy waits for one: the library's pool would refuse, and a worker with
many slots would take that for a Redis that is down. Its blocking pool waits, too, and costs every
call a tenth more."""

# its keywords have no types
_pool_from_url: Callable[..., ConnectionPool] = cast(Any, ConnectionPool).from_url


class RedisConnection:
    """Connects at the first call."""

    def __init__(self, settings: StoreSettings) -> None:
        """`ConfigurationError` if the address cannot be understood."""
        self._address = redact_url(settings.redis_url.get_secret_value())
        self._keys = Keys(settings.prefix)
        self._redis = _client(settings.redis_url.get_secret_value(), self._address)
        self._free = asyncio.Semaphore(_CONNECTIONS)
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

    @asynccontextmanager
    async def _call(self) -> AsyncGenerator[None]:
        if not self._is_open:
            raise ClosedError("the store is not open: use `async with`")
        try:
            with no_cancellation_lost():
                async with asyncio.timeout(_LONGEST_CALL_SECONDS), self._free:
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
        pool = _pool_from_url(
            url,
            max_connections=_CONNECTIONS,
            socket_connect_timeout=2.0,
            socket_timeout=2.0,
            retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), 2),
        )
    except ValueError as error:
        raise ConfigurationError(
            f"LLMBUS_REDIS_URL: {address} is not redis[s]://[user:password@]host:port/db"
        ) from error
    return Redis.from_pool(pool)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
