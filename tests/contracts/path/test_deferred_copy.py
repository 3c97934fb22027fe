"""A task that is put off comes back as a copy. If that is here before the confirmation of its own
publish is (the process was frozen in between), it must not be settled with the message it copies:
nothing would be left of the task."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from llmbus.shared import ExecutionStatus
from llmbus.shared.bus.interface import Message
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.store.claims import Claimant, Claimed
from llmbus.worker.events import DeliveryAdopted
from tests.contracts.bus.transports import MemoryTransport
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task

KEEP = timedelta(minutes=1)


class LateConfirmations(MemoryBus):
    """What goes to the wait queues is queued, and confirmed when the test says so."""

    def __init__(self, broker: MemoryBroker, may_confirm: asyncio.Event) -> None:
        super().__init__(broker)
        self._may_confirm = may_confirm

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        await super().publish(exchange, routing_key, message)
        if ".retry" in exchange:
            await self._may_confirm.wait()


class LateTransport(MemoryTransport):
    def __init__(self) -> None:
        super().__init__()
        self.may_confirm = asyncio.Event()

    def new_bus(self) -> LateConfirmations:
        return LateConfirmations(self.broker, self.may_confirm)


async def test_copy_that_is_back_before_its_confirmation_is_not_lost() -> None:
    transport = LateTransport()
    scene = Scene(transport)
    async with scene.store, scene.producer() as producer:
        handle = await producer.submit(task())
        [submission] = handle.submissions
        who = Claimant(task_id="t1", submission=submission, attempt=1, holder="other", run_id="r")
        given = await scene.store.claim(who, KEEP, KEEP)
        assert isinstance(given, Claimed)
        async with scene.worker():
            await scene.events.wait_for(DeliveryAdopted)
            await scene.store.release(given.claim)
            transport.may_confirm.set()
            result = await handle.wait(PATIENCE_SECONDS)
    assert result.status is ExecutionStatus.SUCCESS
    assert scene.providers.calls == {"t1": 1}
