"""What outlasts a single run: the fork server, a Redis, one or two brokers."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

from tests.faults.launcher import Launcher
from tests.faults.redis_process import RedisProcess, private_redis
from tests.services import PrivateBroker, private_broker
from tests.services.endpoints import AMQP_URL_VARIABLE, API_URL_VARIABLE
from tests.support.rabbit_api import RabbitApi

__all__ = ["Broker", "Ground"]


@dataclass(frozen=True)
class Broker:
    """A broker to run on. `node` is there only if the suite started it and may kill it."""

    amqp_url: str
    api: RabbitApi
    node: PrivateBroker | None = None


class Ground:
    """Opened once, used by many runs, one after the other. Brokers are started when first needed.

    A broker that was given by URL (TEST_AMQP_URL, TEST_RABBITMQ_API_URL) takes the runs whose
    faults leave the node alone.
    """

    launcher: Launcher
    redis: RedisProcess

    def __init__(self) -> None:
        self.versions: list[str] = []
        """Of RabbitMQ, of the brokers that were used."""
        self._resources = AsyncExitStack()
        self._given: Broker | None = None
        self._own: Broker | None = None

    async def __aenter__(self) -> Self:
        """BrokerCannotBeRestarted where no Redis can be started."""
        async with AsyncExitStack() as resources:
            self.launcher = await resources.enter_async_context(Launcher())
            self.redis = resources.enter_context(private_redis())
            self._resources = resources.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._resources.aclose()

    async def broker(self, *, own: bool) -> Broker:
        """One that runs; `own`: one whose node may be killed. BrokerCannotBeRestarted."""
        amqp_url, api_url = os.environ.get(AMQP_URL_VARIABLE), os.environ.get(API_URL_VARIABLE)
        if not own and amqp_url and api_url:
            if self._given is None:
                api = await self._api(api_url)
                self._given = Broker(amqp_url, api)
            return self._given
        if self._own is None:
            node = self._resources.enter_context(private_broker())
            api = await self._api(node.api_url)
            self._own = Broker(node.amqp_url, api, node)
        if self._own.node is not None:
            await asyncio.to_thread(self._own.node.start)
        return self._own

    async def _api(self, url: str) -> RabbitApi:
        api = await self._resources.enter_async_context(RabbitApi(url))
        overview = (await api.call("GET", "/api/overview")).json()
        self.versions.append(overview["rabbitmq_version"])
        return api

    async def repair(self) -> None:
        """After a run that had no proper end: whatever was frozen, blocked or read-only is gone.
        What was started by others is left alone."""
        await asyncio.to_thread(self.redis.kill9)
        await asyncio.to_thread(self.redis.start)
        if self._own is not None and self._own.node is not None:
            await asyncio.to_thread(self._own.node.kill9)
            await asyncio.to_thread(self._own.node.start)
