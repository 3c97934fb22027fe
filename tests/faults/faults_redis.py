"""Redis is killed, emptied, frozen, read-only, full, evicting, rolled back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from redis.exceptions import RedisError

from tests.faults.environment import CLAIM_SECONDS
from tests.faults.fault import WORKER_STEPS, Fault
from tests.faults.gatekeeper import Reached
from tests.faults.world import World

__all__ = ["REDIS_FAULTS"]

_LONGER_THAN_A_CLAIM_SECONDS: Final = 2 * CLAIM_SECONDS
_NOWHERE: Final = ("127.0.0.1", "1")


async def _kill(world: World, _: Reached) -> None:
    await asyncio.to_thread(world.redis.kill9)


async def _start(world: World, _: Reached) -> None:
    await asyncio.sleep(_LONGER_THAN_A_CLAIM_SECONDS)
    await asyncio.to_thread(world.redis.start)


async def _empty(world: World, _: Reached) -> None:
    with suppress(RedisError):  # another fault has it just now
        await asyncio.to_thread(world.redis.command, "FLUSHALL")


async def _freeze(world: World, _: Reached) -> None:
    world.redis.freeze()


async def _thaw(world: World, _: Reached) -> None:
    await asyncio.sleep(_LONGER_THAN_A_CLAIM_SECONDS)
    world.redis.thaw()


async def _forbid_writes(world: World, _: Reached) -> None:
    with suppress(RedisError):
        await asyncio.to_thread(world.redis.command, "REPLICAOF", *_NOWHERE)


async def _allow_writes(world: World, _: Reached) -> None:
    await asyncio.sleep(_LONGER_THAN_A_CLAIM_SECONDS)
    with suppress(RedisError):  # killed in the meantime, it comes back writable
        await asyncio.to_thread(world.redis.command, "REPLICAOF", "NO", "ONE")


async def _flush_scripts(world: World, _: Reached) -> None:
    with suppress(RedisError):
        await asyncio.to_thread(world.redis.command, "SCRIPT", "FLUSH")


async def _fill(world: World, _: Reached) -> None:
    with suppress(RedisError):
        await asyncio.to_thread(world.redis.command, "CONFIG", "SET", "maxmemory", 1)


async def _make_room(world: World, _: Reached) -> None:
    await asyncio.sleep(_LONGER_THAN_A_CLAIM_SECONDS)
    with suppress(RedisError):
        await asyncio.to_thread(world.redis.command, "CONFIG", "SET", "maxmemory", 0)


async def _evict(world: World, _: Reached) -> None:
    with suppress(RedisError):
        await asyncio.to_thread(world.redis.evict_every_second_key)


async def _copy(world: World, _: Reached) -> None:
    with suppress(RedisError):
        await asyncio.to_thread(world.redis.copy)


async def _go_back_to_copy(world: World, _: Reached) -> None:
    await asyncio.sleep(_LONGER_THAN_A_CLAIM_SECONDS)
    with suppress(RedisError):
        await asyncio.to_thread(world.redis.go_back_to_copy)


REDIS_FAULTS: Final = (
    Fault(
        "redis-killed",
        "Redis is killed and started again, empty, after all claims have lapsed",
        WORKER_STEPS,
        strike=_kill,
        heal=_start,
    ),
    Fault("redis-emptied", "FLUSHALL", WORKER_STEPS, strike=_empty),
    Fault(
        "redis-frozen",
        "SIGSTOP to Redis for longer than a claim lives, then SIGCONT",
        WORKER_STEPS,
        strike=_freeze,
        heal=_thaw,
    ),
    Fault(
        "redis-read-only",
        "Redis refuses writes for longer than a claim lives",
        WORKER_STEPS,
        strike=_forbid_writes,
        heal=_allow_writes,
    ),
    Fault("redis-scripts-flushed", "SCRIPT FLUSH", WORKER_STEPS, strike=_flush_scripts),
    Fault(
        "redis-full",
        "Redis has no memory left, and refuses writes, for longer than a claim lives",
        WORKER_STEPS,
        strike=_fill,
        heal=_make_room,
    ),
    Fault("redis-evicting", "every second key is evicted", WORKER_STEPS, strike=_evict),
    Fault(
        "redis-rolled-back",
        "after a failover to a replica that lags behind, Redis knows only what it knew then",
        WORKER_STEPS,
        strike=_copy,
        heal=_go_back_to_copy,
    ),
)
