"""A task that runs for longer than the broker's consumer timeout is paid once, on every version.

The gate runs this on a broker of its own. For another version start one that is as impatient (see
`impatient.py`), name it by TEST_AMQP_URL and TEST_RABBITMQ_API_URL, and set TEST_IMPATIENT=1.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import aio_pika
import pytest
from pydantic import SecretStr

from llmbus.shared import ExecutionStatus
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.settings import BusSettings, QueueType
from llmbus.shared.topology import MAX_PRIORITY
from llmbus.worker.events import DeliveryAdopted, TaskDeferred, TaskHandedOver, TaskStarted
from tests.contracts.bus.transports import RabbitmqTransport
from tests.contracts.path.scene import LADDER, LANE, PATIENCE_SECONDS, Scene, task
from tests.integration.rabbitmq.conftest import Logged
from tests.integration.rabbitmq.impatient import TIMEOUT_SECONDS, impatient_broker
from tests.services import BrokerCannotBeRestarted
from tests.services.endpoints import RabbitMQEndpoint
from tests.support.rabbit_api import RabbitApi, Vhost
from tests.support.waiting import eventually

QUEUES_SET_THE_TIMEOUT = (3, 12, 0)
CLASSIC_HAS_NO_TIMEOUT = QUORUM_KEEPS_PRIORITY = (4, 3, 0)
TAKEN_BACK = ("the broker closed the channel", "the broker cancelled the consumer")
LONG_ENOUGH_SECONDS = 2 * TIMEOUT_SECONDS


@dataclass(frozen=True)
class Ground:
    """A vhost on the impatient broker, and the settings that a user would have there."""

    api: RabbitApi
    vhost: Vhost
    settings: BusSettings
    version: tuple[int, ...]

    @property
    def is_classic(self) -> bool:
        return self.settings.queue_type is QueueType.CLASSIC

    @property
    def lane(self) -> str:
        return self.settings.layout.lane_queue(LANE)

    def scene(self, **settings: float) -> Scene:
        known = self.settings.model_copy(update=settings)
        return Scene(RabbitmqTransport(known, self.api, self.vhost), known.layout)

    async def is_idle(self) -> bool:
        """Nothing waits, nobody holds anything, and there is one consumer and no ghost of one."""
        found = (await self.api.call("GET", f"/api/queues/{self.vhost.name}/{self.lane}")).json()
        return (found.get("messages"), found.get("consumers")) == (0, 1)


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitMQEndpoint]:
    try:
        with impatient_broker() as broker:
            yield broker
    except BrokerCannotBeRestarted as reason:
        pytest.skip(str(reason))


@pytest.fixture(params=[QueueType.CLASSIC, QueueType.QUORUM])
async def ground(request: pytest.FixtureRequest, broker: RabbitMQEndpoint) -> AsyncIterator[Ground]:
    async with RabbitApi(broker.api_url) as api:
        vhost = await api.create_vhost()
        settings = BusSettings(
            amqp_url=SecretStr(vhost.url(broker.amqp_url)),
            queue_type=request.param,
            retry_delays_seconds=tuple(step.total_seconds() for step in LADDER.steps),
        )
        async with RabbitmqBus(settings) as bus:
            version = bus.broker_version
        if request.param is QueueType.QUORUM and version < QUORUM_KEEPS_PRIORITY:
            await api.delete_vhost(vhost)
            pytest.skip("llmbus takes no quorum lanes before RabbitMQ 4.3")
        yield Ground(api, vhost, settings, version)
        await api.delete_vhost(vhost)


@pytest.fixture
async def untold(ground: Ground) -> Ground:
    """The workers do not know of the timeout: before 3.12 nobody has told them, since then an
    operator has declared the lane with another one than they would."""
    if ground.version < QUEUES_SET_THE_TIMEOUT:
        return ground
    if ground.is_classic and ground.version >= CLASSIC_HAS_NO_TIMEOUT:
        pytest.skip("classic queues take nothing back from RabbitMQ 4.3 on")
    arguments: dict[str, Any] = {
        "x-queue-type": ground.settings.queue_type.value,
        "x-dead-letter-exchange": ground.settings.layout.dead,
        "x-consumer-timeout": round(TIMEOUT_SECONDS * 1000),
    }
    if ground.is_classic:
        arguments["x-max-priority"] = MAX_PRIORITY
    connection = await aio_pika.connect(ground.settings.amqp_url.get_secret_value())
    async with connection:
        channel = await connection.channel()
        await channel.declare_queue(ground.lane, durable=True, arguments=arguments)
    return ground


def taken_back(logged: Logged) -> list[str]:
    """What the broker's impatience has made the bus say."""
    return [line for line in logged.at("WARNING") if line.startswith(TAKEN_BACK)]


async def test_nothing_is_taken_back_from_workers_that_know_the_timeout(
    ground: Ground, logged: Logged
) -> None:
    scene = ground.scene(consumer_timeout_seconds=TIMEOUT_SECONDS)
    async with scene.producer() as producer, scene.worker():
        scene.providers.gate.clear()
        handle = await producer.submit(task())
        await scene.events.wait_for(TaskStarted)
        await asyncio.sleep(LONG_ENOUGH_SECONDS)
        scene.providers.gate.set()
        result = await handle.wait(PATIENCE_SECONDS)
        await eventually(ground.is_idle, "everything is settled")
    assert (result.status, result.attempts) == (ExecutionStatus.SUCCESS, 1)
    assert scene.providers.calls == {"t1": 1}
    assert taken_back(logged) == []
    handed_over = len(scene.events.of(TaskHandedOver))
    assert (handed_over > 1) == (ground.version < QUEUES_SET_THE_TIMEOUT)


async def test_task_that_is_taken_back_goes_on_and_is_paid_once(
    untold: Ground, logged: Logged
) -> None:
    scene = untold.scene()
    async with scene.producer() as producer, scene.worker():
        scene.providers.gate.clear()
        handle = await producer.submit(task())
        await scene.events.wait_for(DeliveryAdopted, 2)
        scene.providers.gate.set()
        result = await handle.wait(PATIENCE_SECONDS)
        # The consumer is back: whatever comes later is taken.
        after = await (await producer.submit(task("after"))).wait(PATIENCE_SECONDS)
        await eventually(untold.is_idle, "everything is settled and one consumer is left")
    assert result.status is after.status is ExecutionStatus.SUCCESS
    assert result.attempts == 1
    assert scene.providers.calls == {"t1": 1, "after": 1}
    assert len(taken_back(logged)) >= 2


async def test_task_that_is_taken_back_and_given_to_another_worker_waits_there(
    untold: Ground, logged: Logged
) -> None:
    scene = untold.scene()
    async with scene.store, scene.producer() as producer:
        scene.providers.gate.clear()
        async with scene.worker(worker_id="one", concurrency=1):
            handle = await producer.submit(task())
            await scene.events.wait_for(TaskStarted)
            async with scene.worker(worker_id="two", concurrency=4):
                [deferred] = await scene.events.wait_for(TaskDeferred)
                scene.providers.gate.set()
                result = await handle.wait(PATIENCE_SECONDS)
            await eventually(untold.is_idle, "everything is settled and one consumer is left")
    assert deferred.holder == "one"
    assert (result.status, result.attempts) == (ExecutionStatus.SUCCESS, 1)
    assert scene.providers.calls == {"t1": 1}
    assert taken_back(logged)
