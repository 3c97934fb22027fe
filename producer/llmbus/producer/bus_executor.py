"""`BusExecutor`: the executor interface over the bus. Publish, and wait for the result."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Final

from llmbus.producer.addressees import Addressees, sub_task
from llmbus.producer.bus_asking import BusAsking
from llmbus.producer.producer import Producer
from llmbus.producer.withdrawal import Withdrawal
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.errors import (
    DeadlineExpiredError,
    InvalidInputError,
    LlmbusError,
    UnknownAgentError,
)
from llmbus.shared.execution_mode import ExecutionMode
from llmbus.shared.hybrid import run_hybrid
from llmbus.shared.hybrid_wish import HybridWish
from llmbus.shared.interactive import interactive_result
from llmbus.shared.result import (
    ExecutionResult,
    ExecutionStatus,
    Failure,
    FailureKind,
    unanswered_result,
)
from llmbus.shared.task import AgentTask

__all__ = ["DEFAULT_AGENT", "BusExecutor"]

DEFAULT_AGENT: Final = "claude-code"

_KINDS: Final[dict[type[LlmbusError], FailureKind]] = {
    UnknownAgentError: FailureKind.UNKNOWN_AGENT,
    DeadlineExpiredError: FailureKind.EXPIRED,
    InvalidInputError: FailureKind.REJECTED,
    LlmbusError: FailureKind.UNAVAILABLE,
}


class BusExecutor:
    """Runs tasks on the workers of the bus, by an open `Producer`.

    `execute` and `execute_parallel` are for callers that keep no state. What a
    `ProjectOrchestrator` needs to go on after a crash is `address`, `expect`, `attend`, `settle`
    and `withdraw`; see `DurableExecution`.
    """

    def __init__(
        self, producer: Producer, default_agent: str = DEFAULT_AGENT, clock: Clock | None = None
    ) -> None:
        self._producer = producer
        self._addressees = Addressees(producer.registry, default_agent)
        self._clock = clock or SystemClock()
        self._asking = BusAsking(producer)
        self._withdrawal = Withdrawal()

    @property
    def address(self) -> str:
        """The orchestrator's name: its results wait under it."""
        return self._producer.name

    async def execute(
        self, task: AgentTask, agent: str | None = None, mode: str | None = None
    ) -> ExecutionResult:
        """The result of the task, by `agent`, else the agent that it names, else the default one.

        `mode` `interactive` is answered here: `pending`, with the command for a person. `hybrid`
        asks several agents, each by a task of its own, `<task id>.<agent>`; so does a task with a
        hybrid wish in its metadata. Anything else goes to the agent's lane.

        A wrong call is a `ValueError`, before anything is sent: an agent that is unknown or
        disabled, an unknown mode, a hybrid wish that makes no sense. What goes wrong afterwards is
        a result with status `failed`. Cancelling it ends the waiting, not the task. The losers of
        a race are cancelled for good, as far as the store can be reached.
        """
        asked = self._addressees.asked(task, agent)
        if mode == ExecutionMode.INTERACTIVE:
            return interactive_result(asked, self._clock.now())
        wish = self._addressees.wish(asked, mode)
        started_at = self._clock.now()
        try:
            result = await self._over_the_bus(asked, wish, started_at)
        except LlmbusError as error:
            return self._failed(asked, started_at, error)
        finally:
            self._asking.take_left(task.task_id)
        await self.settle(task.task_id)
        return result

    async def execute_parallel(
        self, tasks: Iterable[tuple[AgentTask, str | None]], max_concurrent: int = 3
    ) -> list[ExecutionResult]:
        """The results in the order of `tasks`; the next one starts as soon as one has ended.

        `ValueError` if `max_concurrent` is less than 1. What `execute` would raise for one of them
        is a failed result in its place: others may have been paid for by then.
        """
        if max_concurrent < 1:
            raise InvalidInputError(f"max_concurrent must be at least 1, not {max_concurrent!r}")
        room = asyncio.Semaphore(max_concurrent)

        async def execute_one(task: AgentTask, agent: str | None) -> ExecutionResult:
            async with room:
                try:
                    return await self.execute(task, agent)
                except InvalidInputError as error:
                    return self._failed(task, self._clock.now(), error)

        async with asyncio.TaskGroup() as group:
            running = [group.create_task(execute_one(task, agent)) for task, agent in tasks]
        return [each.result() for each in running]

    def sent_for(self, task: AgentTask, agent: str | None = None) -> list[AgentTask]:
        """The tasks that go over the bus for this one: itself, or one for each of several agents.
        `InvalidInputError` where `execute` would raise it."""
        return self._addressees.sent_for(task, agent)

    def expect(self, task: AgentTask, agent: str | None, submitted_at: datetime) -> None:
        """See `DurableExecution`. The producer must be open."""
        with suppress(InvalidInputError):  # not submitted like this; `attend` says what is wrong
            for sent in self.sent_for(task, agent):
                self._asking.expect(sent.task_id, submitted_at)

    async def attend(
        self, task: AgentTask, agent: str | None, submitted_at: datetime
    ) -> ExecutionResult:
        """See `DurableExecution`. What is wrong with the task itself is a failed result."""
        try:
            asked = self._addressees.asked(task, agent)
            return await self._over_the_bus(asked, self._addressees.wish(asked, None), submitted_at)
        except InvalidInputError as error:
            return self._failed(task, submitted_at, error)

    async def settle(self, task_id: str) -> None:
        """See `DurableExecution`."""
        await self._asking.take(task_id)

    async def withdraw(self, task_id: str) -> None:
        """See `DurableExecution`. Best effort: without the store the task runs to its end."""
        left = self._asking.take_left(task_id)
        await self._withdrawal.withdraw(left, "its orchestrator does not want it any more")

    async def _over_the_bus(
        self, asked: AgentTask, wish: HybridWish | None, submitted_at: datetime
    ) -> ExecutionResult:
        if wish is None:
            return await self._asking.ask(asked, submitted_at, asked.task_id)
        troubles: list[LlmbusError] = []

        async def ask(agent: str) -> ExecutionResult:
            try:
                return await self._asking.ask(sub_task(asked, agent), submitted_at, asked.task_id)
            except InvalidInputError:
                raise
            except LlmbusError as error:
                troubles.append(error)
                raise

        result = await run_hybrid(asked, wish, ask, self._clock)
        # Not where all of this is cancelled: an orchestrator that stops goes on after its restart.
        losers = self._asking.take_left(asked.task_id)
        await self._withdrawal.withdraw(losers, "another agent was faster")
        if troubles and result.status is not ExecutionStatus.SUCCESS:
            raise troubles[0]  # an agent that could not be asked has not failed
        return result

    def _failed(self, task: AgentTask, started_at: datetime, error: LlmbusError) -> ExecutionResult:
        kind = next(_KINDS[each] for each in type(error).__mro__ if each in _KINDS)
        return unanswered_result(
            task.task_id,
            task.agent,
            Failure(kind, str(error)),
            started_at=started_at,
            now=self._clock.now(),
        )
