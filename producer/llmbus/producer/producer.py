"""`Producer`: how an orchestrator hands tasks to the bus and gets their results back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from llmbus.producer.handle import TaskHandle
from llmbus.producer.inbox import PREFETCH, Inbox
from llmbus.producer.preparation import agent_for, checked_body
from llmbus.shared.agents import AgentType
from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.envelope import task_message
from llmbus.shared.errors import (
    ClosedError,
    LlmbusError,
    PublishUnknownError,
    UnroutableError,
)
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import AgentTask
from llmbus.shared.topology import Layout, Topology

if TYPE_CHECKING:
    from llmbus.shared.settings import BusSettings

__all__ = ["PartialSubmitError", "Producer"]

_PUBLISHES_IN_FLIGHT: Final = 200
"""Enough to keep the broker's confirms flowing; more gains nothing."""


class PartialSubmitError(LlmbusError):
    """Some of the tasks of one `submit_many` were not accepted.

    `handles` are those of the accepted tasks; `failures` pairs each other task with its error.
    Submitting those again is safe.
    """

    def __init__(
        self, handles: list[TaskHandle], failures: list[tuple[AgentTask, LlmbusError]]
    ) -> None:
        self.handles = handles
        self.failures = failures
        _, first = failures[0]
        super().__init__(
            f"{len(failures)} of {len(failures) + len(handles)} tasks were not accepted;"
            f" the first reason: {first}"
        )


class Producer:
    """An orchestrator on the bus, as an async context manager.

        async with Producer("release-train") as producer:
            handle = await producer.submit(task)
            result = await handle.wait(timeout=600)

    `name` is the orchestrator's stable name: its results wait in a durable queue of that name, so
    what arrives while it is down is delivered after its restart. Only one process at a time should
    use a name. Without a `bus`, RabbitMQ is reached by `settings` (`LLMBUS_…` variables).
    """

    def __init__(
        self,
        name: str = "orchestrator",
        *,
        bus: Bus | None = None,
        settings: BusSettings | None = None,
        registry: AgentRegistry | None = None,
        layout: Layout | None = None,
        clock: Clock | None = None,
    ) -> None:
        if bus is None:
            from llmbus.producer.connect import rabbitmq_bus

            bus, layout = rabbitmq_bus(name, settings)
        self.name = name
        self._bus: Bus = bus
        self._layout = layout or Layout()
        self.registry = registry or AgentRegistry()
        self._clock = clock or SystemClock()
        self._inbox = Inbox(self._bus, self._layout, self._clock)
        self._unconfirmed: dict[str, datetime] = {}
        """When tasks were submitted whose publish had no answer. Submitted again, such a task is
        the same submission, and the worker that has it does not run it twice."""
        self._resources: AsyncExitStack | None = None

    async def __aenter__(self) -> Self:
        """Connect, and listen for results. `BrokerUnreachableError`, `ConfigurationError`."""
        async with AsyncExitStack() as resources:
            await resources.enter_async_context(self._bus)
            await self._bus.declare(self._topology())
            queue = self._layout.results_queue(self.name)
            subscription = await self._bus.consume(queue, PREFETCH, self._inbox.on_delivery)
            resources.push_async_callback(self._inbox.settle_chores)
            resources.push_async_callback(subscription.cancel)
            self._resources = resources.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close. Results that nobody took stay in the queue for the next start."""
        self._inbox.close()
        if exc is None:
            await self._inbox.finish_shown()
        if self._resources is not None:
            resources, self._resources = self._resources, None
            await resources.aclose()

    async def submit(self, task: AgentTask, *, lane: str | None = None) -> TaskHandle:
        """Hand over one task. When this returns, the broker has it on disk and will keep it.

        The lane follows from the task's agent; `lane` names another one. Nothing is sent on
        `InvalidTaskError`, `UnknownAgentError`, `DeadlineExpiredError` (all `ValueError`) and
        `BodyTooLargeError`. `UnroutableError`: no worker has ever served that lane.
        `PublishUnknownError`: the broker did not answer in time and may have the task. Submit the
        same task again on this producer: it counts as the same submission, so a worker that has
        it already does not run it twice, and a second result is dropped by its id.
        """
        return await self._submit(task.task_id, *self._prepared(task, lane))

    async def submit_many(self, tasks: Iterable[AgentTask]) -> list[TaskHandle]:
        """Hand over many tasks with their confirmations pipelined; handles in the same order.

        All are checked before any is sent. `PartialSubmitError` says which were not accepted.
        """
        prepared = [(task, *self._prepared(task, None)) for task in tasks]
        answers: dict[int, TaskHandle | LlmbusError] = {}
        waiting = enumerate(prepared)

        async def submit_one_after_the_other() -> None:
            for place, (task, lane, message) in waiting:
                try:
                    answers[place] = await self._submit(task.task_id, lane, message)
                except LlmbusError as error:
                    answers[place] = error

        submitters = range(min(_PUBLISHES_IN_FLIGHT, len(prepared)))
        await asyncio.gather(*(submit_one_after_the_other() for _ in submitters))
        return _all_accepted(
            [task for task, _, _ in prepared], [answers[place] for place in range(len(prepared))]
        )

    def lane_of(self, task: AgentTask) -> str:
        """The lane that `submit` would choose; `UnknownAgentError` where it has none."""
        return agent_for(task, self.registry).agent_type.value

    def results(self) -> AsyncIterator[ExecutionResult]:
        """Every result that no `handle.wait()` has taken, also of tasks submitted before a restart.

        Without end; leave the loop by `break`. A result counts as processed when the next one is
        asked for or the producer is closed without an exception: an orchestrator that dies before
        that gets it again.
        """
        return self._inbox.results()

    async def _submit(self, task_id: str, lane: str, message: Message) -> TaskHandle:
        if self._resources is None:
            raise ClosedError("the producer is not open: use `async with Producer(...)`")
        handle = self._inbox.expect(task_id)
        if task_id in self._unconfirmed and self._inbox.resolve(handle):
            return handle
        try:
            await self._bus.publish(self._layout.tasks, lane, message)
            self._unconfirmed.pop(task_id, None)
        except PublishUnknownError:
            self._unconfirmed[task_id] = message.timestamp or self._clock.now()
            raise
        except UnroutableError as error:
            raise UnroutableError(
                f"task {task_id!r}: there is no lane {lane!r}; start a worker that serves it"
                f" (llmbus worker --lanes {lane})"
            ) from error
        return handle

    def _prepared(self, task: AgentTask, lane: str | None) -> tuple[str, Message]:
        now = self._clock.now()
        agent = agent_for(task, self.registry)
        body = checked_body(task, now)
        if self._inbox.has_given(task.task_id):
            self._unconfirmed.pop(task.task_id, None)  # it was queued after all, and is over
        submitted_at = self._unconfirmed.get(task.task_id, now)
        message = task_message(task, body, agent=agent, reply_to=self.name, now=submitted_at)
        return lane or agent.agent_type.value, message

    def _topology(self) -> Topology:
        """The lanes of all agent types exist from the start: a task may come before any worker."""
        lanes = self._layout.for_tasks(agent_type.value for agent_type in AgentType)
        return lanes + self._layout.for_results(self.name)


def _all_accepted(
    tasks: Sequence[AgentTask], answers: Sequence[TaskHandle | LlmbusError]
) -> list[TaskHandle]:
    handles = [answer for answer in answers if isinstance(answer, TaskHandle)]
    failures = [
        (task, answer)
        for task, answer in zip(tasks, answers, strict=True)
        if isinstance(answer, LlmbusError)
    ]
    if failures:
        raise PartialSubmitError(handles, failures)
    return handles
