"""`BusExecutor`: the executor interface over the bus. Publish, and wait for the result."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from llmbus.producer.handle import TaskHandle
from llmbus.producer.interactive import handed_to_person
from llmbus.producer.preparation import agent_for
from llmbus.producer.producer import Producer
from llmbus.shared.agents import AgentInterface
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.errors import InvalidInputError, LlmbusError
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind
from llmbus.shared.task import AgentTask

__all__ = ["DEFAULT_AGENT", "BusExecutor"]

DEFAULT_AGENT: Final = "claude-code"
_MODES: Final = ("interactive", "api", "hybrid")


class BusExecutor:
    """Runs tasks on the workers of the bus, by an open `Producer`.

    What a `ProjectOrchestrator` needs to go on after a crash is `expect`, `attend` and `settle`
    (`DurableExecution`); `execute` is for callers that keep no state.
    """

    def __init__(
        self, producer: Producer, default_agent: str = DEFAULT_AGENT, clock: Clock | None = None
    ) -> None:
        self._producer = producer
        self._default_agent = default_agent
        self._clock = clock or SystemClock()
        self._expected: dict[str, TaskHandle] = {}
        """Of tasks that an earlier process has submitted."""
        self._unsettled: dict[str, list[TaskHandle]] = {}
        """Whose results are not taken yet, by the task that they are for."""
        self._caught_up: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """The orchestrator's name: its results wait under it."""
        return self._producer.name

    async def execute(
        self, task: AgentTask, agent: str | None = None, mode: str | None = None
    ) -> ExecutionResult:
        """Run the task and return how it ended. `agent`, else the task's own, else the default.

        `mode`: `interactive` is answered here, `pending`, with the command for a person; `api` and
        None go over the bus. `UnknownAgentError` (a `ValueError`) for an agent that is unknown or
        disabled, `InvalidInputError` for another mode. Any other error is a failed result.
        """
        asked = self._asked(task, agent)
        if self._is_interactive(asked, mode):
            return handed_to_person(asked, self._clock.now())
        started_at = self._clock.now()
        try:
            result = await self._over_the_bus(asked, started_at)
        except LlmbusError as error:
            return self._failed(asked, started_at, error)
        await self.settle(task.task_id)
        return result

    async def execute_parallel(
        self, tasks: Sequence[tuple[AgentTask, str | None]], max_concurrent: int = 3
    ) -> list[ExecutionResult]:
        """Run these tasks, each on its agent, at most so many at once; results in the order of the
        input. A wrong agent raises before anything is sent."""
        if max_concurrent < 1:
            raise InvalidInputError(f"max_concurrent must be at least 1, not {max_concurrent}")
        for task, agent in tasks:
            self._asked(task, agent)
        room = asyncio.Semaphore(max_concurrent)

        async def execute(task: AgentTask, agent: str | None) -> ExecutionResult:
            async with room:
                return await self.execute(task, agent)

        return list(await asyncio.gather(*(execute(task, agent) for task, agent in tasks)))

    def expect(self, task: AgentTask, agent: str | None) -> None:
        """See `DurableExecution`. The producer must be open."""
        self._expected[task.task_id] = self._producer.expect(task.task_id)

    async def attend(
        self, task: AgentTask, agent: str | None, submitted_at: datetime
    ) -> ExecutionResult:
        """See `DurableExecution`. What is wrong with the task itself is a failed result."""
        try:
            return await self._over_the_bus(self._asked(task, agent), submitted_at)
        except InvalidInputError as error:
            return self._failed(task, submitted_at, error)

    async def settle(self, task_id: str) -> None:
        """See `DurableExecution`."""
        for handle in self._unsettled.pop(task_id, []):
            await handle.take()

    async def _over_the_bus(self, asked: AgentTask, submitted_at: datetime) -> ExecutionResult:
        handle = await self._handle(asked, submitted_at)
        result = await handle.peek()
        self._unsettled.setdefault(asked.task_id, []).append(handle)
        return result

    async def _handle(self, asked: AgentTask, submitted_at: datetime) -> TaskHandle:
        expected = self._expected.pop(asked.task_id, None)
        if expected is not None:
            await self._until_here_or_caught_up(expected)
            if expected.done():
                return expected
        return await self._producer.submit(asked, submitted_at=submitted_at)

    async def _until_here_or_caught_up(self, expected: TaskHandle) -> None:
        """What waits for us need not be asked for again. One look serves all."""
        if self._caught_up is None:
            self._caught_up = asyncio.create_task(self._producer.catch_up())
        arrival = asyncio.ensure_future(expected.peek())
        try:
            await asyncio.wait([arrival, self._caught_up], return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrival.cancel()
        if self._caught_up.done() and not expected.done():
            self._caught_up.result()

    def _asked(self, task: AgentTask, agent: str | None) -> AgentTask:
        """The task, for the agent that is to run it; `UnknownAgentError`."""
        name = agent or task.agent or self._default_agent
        asked = task if name == task.agent else msgspec.structs.replace(task, agent=name)
        agent_for(asked, self._producer.registry)
        return asked

    def _is_interactive(self, asked: AgentTask, mode: str | None) -> bool:
        if mode is not None and mode not in _MODES:
            known = ", ".join(_MODES)
            raise InvalidInputError(f"mode {mode!r} is unknown (known: {known})")
        return mode == "interactive"

    def _is_hybrid(self, asked: AgentTask, mode: str | None) -> bool:
        config = self._producer.registry.get_agent(asked.agent)
        by_default = config is not None and config.interface is AgentInterface.HYBRID
        return mode == "hybrid" or (mode is None and by_default)

    def _failed(self, task: AgentTask, started_at: datetime, error: LlmbusError) -> ExecutionResult:
        wrong_input = isinstance(error, InvalidInputError)
        kind = FailureKind.REJECTED if wrong_input else FailureKind.UNAVAILABLE
        return ExecutionResult(
            task_id=task.task_id,
            agent=task.agent,
            status=ExecutionStatus.FAILED,
            started_at=started_at,
            completed_at=self._clock.now(),
            error=str(error),
            failure=Failure(kind, str(error)),
        )
