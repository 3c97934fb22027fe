"""Submitting again after a publish without an answer must not be paid for twice."""

from __future__ import annotations

import asyncio

import pytest

from llmbus.producer import PartialSubmitError, Producer
from llmbus.shared.bus.interface import Message
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.errors import PublishUnknownError
from llmbus.worker.events import TaskFinished
from tests.contracts.bus.transports import MemoryTransport
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task


class ConfirmationLostBus(MemoryBus):
    """Queues what it is given, but the first confirmation of each task never arrives."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker)
        self.unanswered: set[str] = set()

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        await super().publish(exchange, routing_key, message)
        if message.correlation_id not in self.unanswered:
            self.unanswered.add(message.correlation_id)
            raise PublishUnknownError("no confirmation from the broker")


@pytest.fixture
def scene() -> Scene:
    return Scene(MemoryTransport())


def producer(scene: Scene) -> Producer:
    assert isinstance(scene.transport, MemoryTransport)
    bus = ConfirmationLostBus(scene.transport.broker)
    return Producer(bus=bus, layout=scene.layout)


async def test_task_submitted_again_after_a_lost_confirmation_is_paid_once(scene: Scene) -> None:
    async with producer(scene) as doubtful, scene.worker(concurrency=1):
        with pytest.raises(PublishUnknownError):
            await doubtful.submit(task())
        await scene.events.wait_for(TaskFinished)
        result = await (await doubtful.submit(task())).wait(PATIENCE_SECONDS)
    assert result.output
    assert scene.providers.calls == {"t1": 1}


async def test_task_submitted_again_while_the_first_still_waits_is_paid_once(scene: Scene) -> None:
    async with producer(scene) as doubtful:
        for task_id in ("t1", "last"):
            with pytest.raises(PublishUnknownError):
                await doubtful.submit(task(task_id))
            handle = await doubtful.submit(task(task_id))
        async with scene.worker(concurrency=1):
            await handle.wait(PATIENCE_SECONDS)
    assert scene.providers.calls == {"t1": 1, "last": 1}


async def test_task_that_succeeded_is_answered_again_and_not_paid_again(scene: Scene) -> None:
    async with producer(scene) as doubtful, scene.worker(concurrency=1):
        with pytest.raises(PublishUnknownError):
            await doubtful.submit(task())
        results = aiter(doubtful.results())
        await anext(results)
        next_result = asyncio.ensure_future(anext(results))
        await asyncio.sleep(0)  # asking for the next one is what takes the first
        await doubtful.submit(task())
        assert (await next_result).task_id == "t1"
    assert scene.providers.calls == {"t1": 1}


async def test_batch_says_which_tasks_are_in_doubt(scene: Scene) -> None:
    async with producer(scene) as doubtful:
        with pytest.raises(PublishUnknownError):
            await doubtful.submit(task("known"))
        with pytest.raises(PartialSubmitError, match="1 of 2 tasks") as raised:
            await doubtful.submit_many([task("known"), task("doubtful")])
    assert [handle.task_id for handle in raised.value.handles] == ["known"]
    assert [(lost.task_id, type(error)) for lost, error in raised.value.failures] == [
        ("doubtful", PublishUnknownError)
    ]
