"""A defect of ours neither loses a task nor brings it back in a hot loop."""

from __future__ import annotations

from llmbus.shared.bus.interface import Bus
from llmbus.shared.parking import REASON
from llmbus.worker.events import Event, TaskStarted
from tests.contracts.path.scene import PATIENCE_SECONDS, Events, Scene, task
from tests.support.waiting import Collected


class BrokenObserver(Events):
    """Raises at the start of the task named `fatal`, against the rules."""

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        if isinstance(event, TaskStarted) and event.task_id == "fatal":
            raise ZeroDivisionError


async def test_task_at_which_the_worker_fails_is_parked_and_the_next_one_runs(
    scene: Scene, bus: Bus
) -> None:
    scene.events = BrokenObserver()
    parked = Collected()
    await bus.consume(scene.layout.parking_queue, 10, parked)
    async with scene.producer() as producer, scene.worker(concurrency=1):
        await producer.submit(task("fatal"))
        result = await (await producer.submit(task("next"))).wait(PATIENCE_SECONDS)
        [delivery] = await parked.wait_for(1)
        await delivery.ack()
    assert result.output
    assert "ZeroDivisionError" in str(delivery.message.headers[REASON])
    assert b'"fatal"' in delivery.message.body
