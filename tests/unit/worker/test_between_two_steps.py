"""What comes between two steps of a run: while it acks, once its claim is lost, while it asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

import pytest

from llmbus.producer import Producer
from llmbus.shared import AgentTask, ExecutionStatus
from llmbus.shared.agents import AgentType
from llmbus.shared.bus.interface import Delivery, OnDelivery
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.bus.memory.bus import MemorySubscription
from llmbus.shared.codec import encode_task
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.store.claims import Claim, ClaimAnswer, Claimant, Claimed, RenewAnswer
from llmbus.shared.store.memory import MemoryStore
from llmbus.shared.task_messages import task_message
from llmbus.shared.topology import Layout
from llmbus.worker import Surroundings, Worker, WorkerSettings
from llmbus.worker.events import DeliveryAdopted, Event, TaskDeferred, TaskStarted
from tests.contracts.path.scene import LANE, CountedProviders, Events, task
from tests.model.loop_clock import LoopClock
from tests.support.virtual_time import VirtualTimeLoop, run_in_virtual_time
from tests.support.wrapped_delivery import WrappedDelivery

LAYOUT = Layout()
CLAIM_SECONDS = 15.0
CALL_SECONDS = 30.0
SHORT_SECONDS = 1.0
PATIENCE_SECONDS = 3600.0


class SlowlyAcked(WrappedDelivery):
    """A delivery whose ack takes its time."""

    async def ack(self) -> None:
        await asyncio.sleep(SHORT_SECONDS)
        await super().ack()


class SlowAckBus(MemoryBus):
    async def consume(
        self, queue: str, prefetch: int, on_delivery: OnDelivery
    ) -> MemorySubscription:
        def hand_over(delivery: Delivery) -> None:
            on_delivery(SlowlyAcked(delivery))

        return await super().consume(queue, prefetch, hand_over)


class Shelf(MemoryStore):
    """Loses everything when told to; its answers to claims are under way for a while."""

    def __init__(self) -> None:
        super().__init__(LoopClock(asyncio.get_running_loop()))
        self.gave = asyncio.Event()
        self.answer_seconds = 0.0
        self.when_renewed: list[Callable[[], None]] = []
        """What happens between an answer of the store and its arrival, in turn."""

    def give_to_another(self, asked: AgentTask) -> None:
        """Another worker gets the task at this moment, if nobody holds it, and dies of it."""
        who = Claimant(
            task_id=asked.task_id, submission="another", attempt=1, holder="two", run_id="other"
        )
        asking = super().claim(who, timedelta(seconds=CLAIM_SECONDS), timedelta(days=1))
        with pytest.raises(StopIteration) as answered:
            asking.send(None)
        assert isinstance(answered.value.value, Claimed)

    def lose_everything(self) -> None:
        self._forget()

    async def claim(
        self, who: Claimant, lifetime: timedelta, ledger_life: timedelta
    ) -> ClaimAnswer:
        answer = await super().claim(who, lifetime, ledger_life)
        self.gave.set()
        await asyncio.sleep(self.answer_seconds)
        return answer

    async def renew(self, claims: Collection[Claim]) -> Mapping[str, RenewAnswer]:
        answers = await super().renew(claims)
        if self.when_renewed:
            self.when_renewed.pop(0)()
        else:
            await asyncio.sleep(self.answer_seconds)
        return answers


class FreezesAtTheStart(Events):
    """As the first run begins, the process stands still until another worker has the task."""

    def __init__(self, stage: Stage, asked: AgentTask) -> None:
        super().__init__()
        self._freeze = [(stage, asked)]

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        if isinstance(event, TaskStarted) and self._freeze:
            stage, asked = self._freeze.pop()
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualTimeLoop)
            loop.block(CLAIM_SECONDS + SHORT_SECONDS)
            stage.store.give_to_another(asked)


class Stage:
    """A broker and a store in memory, and workers on them, in virtual time."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.store = Shelf()
        self.providers = CountedProviders()
        self.events = Events()

    def producer(self) -> Producer:
        return Producer("orchestrator", bus=MemoryBus(self.broker))

    def worker(self, worker_id: str, **changes: Any) -> Worker:
        values: dict[str, Any] = {
            "lanes": (LANE,),
            "concurrency": 2,
            "grace_seconds": 0.0,
            "claim_seconds": CLAIM_SECONDS,
        }
        settings = WorkerSettings(worker_id=worker_id, **(values | changes))
        bus = SlowAckBus(self.broker)
        around = Surroundings(bus, self.store, self.providers, observer=self.events)
        return Worker(settings, around)

    async def asked(self, who: Claimant) -> ClaimAnswer:
        return await self.store.claim(who, timedelta(seconds=CLAIM_SECONDS), timedelta(days=1))


def test_a_message_that_comes_again_during_the_ack_is_acked_too() -> None:
    async def main() -> None:
        stage = Stage()
        asked = task()
        message = task_message(
            asked,
            encode_task(asked),
            agent=RequestedAgent(AgentType.OPENAI_GPT),
            reply_to="orchestrator",
            now=asked.created_at,
        )
        async with stage.store, stage.producer() as producer:
            async with stage.worker("one"):
                handle = producer.expect(asked.task_id)
                stage.broker.publish(LAYOUT.tasks, LANE, message)
                await handle.wait(PATIENCE_SECONDS)
                stage.broker.publish(LAYOUT.tasks, LANE, message)
                await stage.events.wait_for(DeliveryAdopted)
            depth = stage.broker.depth(LAYOUT.lane_queue(LANE))
            assert depth is not None
            assert depth.ready == 0  # what a worker leaves unsettled is back when it has ended
        assert stage.providers.calls == {asked.task_id: 1}

    run_in_virtual_time(main())


def test_a_run_that_lost_its_claim_does_not_keep_the_task_from_everybody() -> None:
    """The store that would have refused it loses everything, whereupon renewals restore claims."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        stage = Stage()
        asked = task(script={"latency_seconds": CALL_SECONDS})
        async with stage.store, stage.producer() as producer, stage.worker("one"):
            handle = await producer.submit(asked)
            await stage.events.wait_for(TaskStarted)
            loop.block(CLAIM_SECONDS + SHORT_SECONDS)
            stage.store.give_to_another(asked)
            await stage.events.wait_for(TaskDeferred)
            stage.store.lose_everything()
            result = await handle.wait(PATIENCE_SECONDS)
        assert result.status is ExecutionStatus.SUCCESS
        assert stage.providers.calls == {asked.task_id: 2}

    run_in_virtual_time(main())


def test_a_claim_that_is_given_to_a_run_that_is_stopped_is_no_death() -> None:
    async def main() -> None:
        stage = Stage()
        stage.store.answer_seconds = SHORT_SECONDS
        async with stage.store, stage.producer() as producer:
            handle = await producer.submit(task())
            async with stage.worker("one"):
                await stage.store.gave.wait()
            assert not stage.providers.calls
            async with stage.worker("two", max_crashes=1):
                result = await handle.wait(PATIENCE_SECONDS)
        assert result.status is ExecutionStatus.SUCCESS

    run_in_virtual_time(main())


def test_a_worker_that_thaws_between_its_claim_and_its_call_asks_before_it_pays() -> None:
    async def main() -> None:
        stage = Stage()
        asked = task()
        stage.events = FreezesAtTheStart(stage, asked)
        async with stage.store, stage.producer() as producer, stage.worker("one"):
            result = await (await producer.submit(asked)).wait(PATIENCE_SECONDS)
        assert result.status is ExecutionStatus.SUCCESS
        assert stage.events.of(TaskDeferred)
        assert stage.providers.calls == {asked.task_id: 1}

    run_in_virtual_time(main())


def test_a_worker_that_freezes_while_it_asks_before_it_pays_asks_again() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        stage = Stage()
        asked = task()

        def freeze() -> None:
            loop.block(CLAIM_SECONDS + SHORT_SECONDS)
            stage.store.give_to_another(asked)

        stage.events = FreezesAtTheStart(stage, task("another one"))
        stage.store.when_renewed = [freeze]
        stage.store.answer_seconds = SHORT_SECONDS
        async with stage.store, stage.producer() as producer, stage.worker("one"):
            result = await (await producer.submit(asked)).wait(PATIENCE_SECONDS)
        assert result.status is ExecutionStatus.SUCCESS
        assert stage.events.of(TaskDeferred)
        assert stage.providers.calls == {asked.task_id: 1}

    run_in_virtual_time(main())


def test_a_worker_that_thaws_while_nobody_has_its_task_goes_on() -> None:
    async def main() -> None:
        stage = Stage()
        asked = task()
        stage.events = FreezesAtTheStart(stage, task("another one"))
        async with stage.store, stage.producer() as producer, stage.worker("one"):
            result = await (await producer.submit(asked)).wait(PATIENCE_SECONDS)
        assert result.status is ExecutionStatus.SUCCESS
        assert not stage.events.of(TaskDeferred)
        assert stage.providers.calls == {asked.task_id: 1}

    run_in_virtual_time(main())
