"""What is read every few seconds, of every process and service that takes part."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import Any, Final

import psutil
import redis.asyncio

from tests.load.deployment import LoadDeployment

__all__ = ["TOLERATED", "Sampler"]

TOLERATED: Final = {
    "RSS MiB": 4.0,
    "descriptors": 3.0,
    "threads": 2.0,
    "asyncio tasks": 50.0,
    "children": 0.0,
    "connections": 0.0,
    "channels": 0.0,
    "queues": 0.0,
    "messages": 100.0,
    "Redis keys": 500.0,
    "Redis MiB": 4.0,
    "in flight": 100.0,
}
"""By how much each may rise without being called growing: noise of an even load."""


class Sampler:
    """Keeps, by the name of each quantity, pairs of seconds since the start and its value."""

    def __init__(self, deployed: LoadDeployment) -> None:
        self._deployed = deployed
        self._redis: Any = redis.asyncio.Redis.from_url(deployed.redis_url)  # pyright: ignore[reportUnknownMemberType]
        self._began = time.monotonic()
        self.samples: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        """By who and what."""

    async def every(self, seconds: float) -> None:
        """Read, until cancelled."""
        try:
            while True:
                await self.read()
                await asyncio.sleep(seconds)
        finally:
            await self._redis.aclose()

    async def read(self) -> None:
        """One sample of everything."""
        for number, worker in enumerate(self._deployed.workers, start=1):
            who = f"worker {number}"
            self._keep_process(who, psutil.Process(worker.pid))
            self._keep(who, "asyncio tasks", (await worker.pulse()).asyncio_tasks)
        self._keep_process("producer", psutil.Process())
        self._keep("producer", "asyncio tasks", len(asyncio.all_tasks()))
        self._keep("producer", "in flight", self._deployed.traffic.in_flight)
        await self._keep_broker()
        self._keep("Redis", "Redis keys", await self._redis.dbsize())
        memory = await self._redis.info("memory")
        self._keep("Redis", "Redis MiB", memory["used_memory"] / 2**20)

    def _keep_process(self, who: str, process: psutil.Process) -> None:
        self._keep(who, "RSS MiB", process.memory_info().rss / 2**20)
        self._keep(who, "descriptors", process.num_fds())
        self._keep(who, "threads", process.num_threads())
        self._keep(who, "children", len(process.children(recursive=True)))

    async def _keep_broker(self) -> None:
        api, vhost = self._deployed.api, self._deployed.vhost
        mine, name = await api.connections(vhost), vhost.name
        channels = (await api.call("GET", f"/api/vhosts/{name}/channels")).json()
        queues = (await api.call("GET", f"/api/queues/{name}")).json()
        self._keep("RabbitMQ", "connections", len(mine))
        self._keep("RabbitMQ", "channels", len(channels))
        self._keep("RabbitMQ", "queues", len(queues))
        self._keep("RabbitMQ", "messages", sum(queue.get("messages", 0) for queue in queues))

    def _keep(self, who: str, what: str, value: float) -> None:
        self.samples[who, what].append((time.monotonic() - self._began, value))
