"""A worker whose user may not publish for a while, on a real RabbitMQ."""

from __future__ import annotations

import pytest

from llmbus.shared import ExecutionStatus
from llmbus.shared.settings import BusSettings
from llmbus.worker.events import ResultDelayed, TaskStarted
from tests.contracts.bus.transports import RabbitmqTransport
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task
from tests.integration.rabbitmq.administration import Administration
from tests.support.rabbit_api import RabbitApi, Vhost


@pytest.fixture
def scene(bus_settings: BusSettings, rabbit_api: RabbitApi, vhost: Vhost) -> Scene:
    return Scene(RabbitmqTransport(bus_settings, rabbit_api, vhost))


async def test_a_paid_answer_waits_until_its_worker_may_publish_again(
    scene: Scene, administration: Administration
) -> None:
    async with scene.producer() as producer, scene.worker():
        scene.providers.gate.clear()
        handle = await producer.submit(task())
        await scene.events.wait_for(TaskStarted)
        await administration.permit(configure=".*", write="^$", read=".*")
        scene.providers.gate.set()
        (delayed,) = await scene.events.wait_for(ResultDelayed)
        assert "may not publish" in delayed.reason
        await administration.permit(configure=".*", write=".*", read=".*")
        result = await handle.wait(PATIENCE_SECONDS)
    assert result.status is ExecutionStatus.SUCCESS
    assert scene.providers.calls == {"t1": 1}
