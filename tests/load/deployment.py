"""Worker processes and a producer on a virtual host of their own, all gone afterwards."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from llmbus.producer import Producer
from llmbus.shared.settings import BusSettings
from tests.load.traffic import LANE, Traffic
from tests.load.worker_process import WorkerProcess, started_worker
from tests.services.endpoints import AMQP_URL_VARIABLE, API_URL_VARIABLE, REDIS_URL_VARIABLE
from tests.support.rabbit_api import RabbitApi, Vhost
from tests.support.redis_keys import delete_keys

__all__ = ["LoadDeployment", "started_deployment"]


@dataclass(frozen=True)
class LoadDeployment:
    """What a load test holds while it runs."""

    workers: Sequence[WorkerProcess]
    traffic: Traffic
    api: RabbitApi
    vhost: Vhost
    redis_url: str


@asynccontextmanager
async def started_deployment(
    environment: Mapping[str, str], prefix: str, workers: int, remember_seconds: float
) -> AsyncGenerator[LoadDeployment]:
    """On the services that the environment names, which are left as they were found."""
    amqp_url, api_url, redis_url = (
        environment[name] for name in (AMQP_URL_VARIABLE, API_URL_VARIABLE, REDIS_URL_VARIABLE)
    )
    async with AsyncExitStack() as stack:
        stack.callback(delete_keys, redis_url, prefix)
        api = await stack.enter_async_context(RabbitApi(api_url))
        vhost = await api.create_vhost()
        stack.push_async_callback(api.delete_vhost, vhost)
        settings = {
            "LLMBUS_AMQP_URL": vhost.url(amqp_url),
            "LLMBUS_REDIS_URL": redis_url,
            "LLMBUS_PREFIX": prefix,
            "LLMBUS_LANES": LANE,
            "LLMBUS_CONCURRENCY": "32",
            "LLMBUS_REMEMBER_SECONDS": f"{remember_seconds:g}",
        }
        started = [
            await stack.enter_async_context(started_worker(settings)) for _ in range(workers)
        ]
        bus_settings = BusSettings(amqp_url=SecretStr(vhost.url(amqp_url)), prefix=prefix)
        producer = await stack.enter_async_context(Producer("load", settings=bus_settings))
        yield LoadDeployment(started, Traffic(producer), api, vhost, redis_url)
