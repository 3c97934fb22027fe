"""What a soak leaves when its last task has its answer: results that were sent twice, messages that
nobody took, keys that nothing would ever remove."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
import redis.asyncio

from llmbus.shared.settings import BusSettings
from tests.load.deployment import LoadDeployment

__all__ = ["Aftermath", "read_aftermath"]

_LOOKS: Final = 60
_LOOK_SECONDS: Final = 0.5
"""The broker's counters lie some five seconds behind."""


class Aftermath(msgspec.Struct, frozen=True):
    """Counts, at the end."""

    results_on_the_wire: int
    """Which the broker has taken for the orchestrator, second copies included."""
    messages_left: int
    """In all queues."""
    keys_without_lifetime: int


async def read_aftermath(deployed: LoadDeployment, prefix: str) -> Aftermath:
    """Once the broker's counters stand still."""
    results = await _steady_count(deployed, BusSettings(prefix=prefix).layout.results_queue("load"))
    queues = (await deployed.api.call("GET", f"/api/queues/{deployed.vhost.name}")).json()
    return Aftermath(
        results_on_the_wire=results,
        messages_left=sum(queue.get("messages", 0) for queue in queues),
        keys_without_lifetime=await _keys_without_lifetime(deployed.redis_url, prefix),
    )


async def _steady_count(deployed: LoadDeployment, queue: str) -> int:
    path = f"/api/queues/{deployed.vhost.name}/{queue}"
    expected, count, same = deployed.traffic.answered, -1, 0
    for _ in range(_LOOKS):
        latest = (await deployed.api.call("GET", path)).json().get("message_stats", {})
        same = same + 1 if latest.get("publish", 0) == count else 0
        count = latest.get("publish", 0)
        if count >= expected and same * _LOOK_SECONDS > 6:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    return count


async def _keys_without_lifetime(url: str, prefix: str) -> int:
    client: Any = redis.asyncio.Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]
    async with client:
        keys = [key async for key in client.scan_iter(match=f"{prefix}*", count=1000)]
        lifetimes = [await client.ttl(key) for key in keys]
    return sum(lifetime == -1 for lifetime in lifetimes)
