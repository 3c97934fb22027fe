"""A run of the fallback that fails after another one has taken its task over."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta

import pytest

from llmbus.shared import AgentTask, ExecutionResult
from llmbus.shared.agents import AgentType
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.codec import encode_task
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.result import ExecutionStatus, Failure, FailureKind
from llmbus.shared.store.claims import Claim, Claimant, Claimed, Lost, RenewAnswer
from llmbus.shared.store.memory import MemoryStore
from llmbus.shared.task_messages import task_message
from llmbus.shared.topology import Layout
from llmbus.worker.admission import Admission
from llmbus.worker.claim_terms import ClaimTerms
from llmbus.worker.claims import ClaimKeeper
from llmbus.worker.events import ResultRefused, TaskFailed
from llmbus.worker.outcome import FailedAndParked
from llmbus.worker.publishing import RunPublisher
from llmbus.worker.run import Run, RunKey
from llmbus.worker.settlement import Settlement
from tests.contracts.path.scene import LANE, Events, task
from tests.model.loop_clock import LoopClock
from tests.support.virtual_time import VirtualTimeLoop, run_in_virtual_time

LAYOUT = Layout()
TERMS = ClaimTerms(lifetime=timedelta(seconds=15))
AFTER_IT_HAS_LAPSED_SECONDS = 20.0


class Forgetful(MemoryStore):
    """It loses everything when it has told somebody that its claim is lost."""

    async def renew(self, claims: Collection[Claim]) -> Mapping[str, RenewAnswer]:
        answers = await super().renew(claims)
        if any(isinstance(answer, Lost) for answer in answers.values()):
            await self.__aexit__(None, None, None)  # whoever leaves last takes everything along
            await self.__aenter__()
        return answers


class Desk:
    """What settles runs, on a broker and a store in memory, in virtual time."""

    def __init__(self, bus: MemoryBus, kind: type[MemoryStore] = MemoryStore) -> None:
        clock = LoopClock(asyncio.get_running_loop())
        self.events = Events()
        self.store = kind(clock)
        admission = Admission(AgentRegistry(), clock, "one", timedelta(hours=1))
        self.claims = ClaimKeeper(self.store, TERMS, admission, "one")
        publisher = RunPublisher(bus, LAYOUT, clock, self.events)
        self.settlement = Settlement(publisher, self.claims, LAYOUT, clock, self.events)

    async def claimed_run(self, asked: AgentTask) -> Run:
        message = task_message(
            asked,
            encode_task(asked),
            agent=RequestedAgent(AgentType.OPENAI_GPT),
            reply_to="orchestrator",
            now=asked.created_at,
        )
        key = RunKey(asked.task_id, "submission", 1)
        queue = LAYOUT.fallback_queue
        run = Run(key, LANE, queue, queue, message, asked)
        assert await self.claims.claim(run, asked) is None
        return run

    async def take_over(self, asked: AgentTask) -> None:
        """Another fallback consumer has the task from now on."""
        who = Claimant(
            task_id=asked.task_id, submission="submission", attempt=1, holder="two", run_id="other"
        )
        answer = await self.store.claim(who, TERMS.lifetime, TERMS.remembered)
        assert isinstance(answer, Claimed)


def a_second_failure(asked: AgentTask) -> FailedAndParked:
    failure = Failure(FailureKind.SCRIPT, "the script was killed")
    result = ExecutionResult(
        task_id=asked.task_id,
        agent=asked.agent,
        status=ExecutionStatus.FAILED,
        started_at=asked.created_at,
        error=failure.message,
        failure=failure,
    )
    return FailedAndParked(result, "the fallback failed, too")


def parked(broker: MemoryBroker) -> int:
    depth = broker.depth(LAYOUT.parking_queue)
    assert depth is not None
    return depth.ready


@pytest.mark.parametrize("store", [MemoryStore, Forgetful])
def test_whoever_was_replaced_while_its_script_failed_parks_nothing(
    store: type[MemoryStore],
) -> None:
    """Nor does it answer: what failed and is not in parking could not be redriven."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        broker = MemoryBroker()
        async with MemoryBus(broker) as bus:
            await bus.declare(LAYOUT.for_tasks([LANE]))
            desk, asked = Desk(bus, store), task()
            async with desk.store:
                run = await desk.claimed_run(asked)
                loop.block(AFTER_IT_HAS_LAPSED_SECONDS)
                await desk.take_over(asked)
                await desk.settlement.settle(run, a_second_failure(asked))
        assert parked(broker) == 0
        assert desk.events.of(ResultRefused)
        assert not desk.events.of(TaskFailed)

    run_in_virtual_time(main())


def test_whoever_has_its_task_still_parks_it() -> None:
    async def main() -> None:
        broker = MemoryBroker()
        async with MemoryBus(broker) as bus:
            await bus.declare(LAYOUT.for_tasks([LANE]))
            await bus.declare(LAYOUT.for_results("orchestrator"))
            desk, asked = Desk(bus), task()
            async with desk.store:
                run = await desk.claimed_run(asked)
                await desk.settlement.settle(run, a_second_failure(asked))
        assert parked(broker) == 1
        assert not desk.events.of(ResultRefused)

    run_in_virtual_time(main())
