"""Redis is killed, emptied, frozen, read-only."""

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
)
