"""`Producer`: how an orchestrator hands tasks to the bus and gets their results back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from uuid import uuid4

from llmbus.producer.handle import TaskHandle
from llmbus.producer.inbox import PREFETCH, Inbox
from llmbus.producer.markers import MARKER_TYPE
from llmbus.producer.partial_submit import all_accepted
from llmbus.producer.preparation import agent_for, checked_body
from llmbus.producer.remembered import Remembered
from llmbus.shared.agents import AgentType
from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.envelope import submission_of, task_message
from llmbus.shared.errors import (
    ClosedError,
    LlmbusError,
    PublishUnknownError,
    UnroutableError,
)
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.result import ExecutionResult
from llmbus.shared.store.interface import Store
from llmbus.shared.task import AgentTask
from llmbus.shared.topology import Layout, Topology

if TYPE_CHECKING:
    from llmbus.shared.settings import BusSettings

__all__ = ["Producer"]

_PUBLISHES_IN_FLIGHT: Final = 200
"""Enough to keep the broker's confirms flowing; more gains nothing."""


class Producer:
    """An orchestrator on the bus, as an async context manager.

        async with Producer("release-train") as producer:
            handle = await producer.submit(task)
            result = await handle.wait(timeout=600)

    `name` is the orchestrator's stable name: its results wait in a durable queue of that name, so
    what arrives while it is down is delivered after its restart. Only one process at a time should
    use a name. Without a `bus`, RabbitMQ is reached by `settings` (`LLMBUS_…` variables), and Redis
    when a task is cancelled or forgotten; with one, `store` is what its workers use.
    """

    def __init__(
        self,
        name: str = "orchestrator",
        *,
        bus: Bus | None = None,
        store: Store | None = None,
        settings: BusSettings | None = None,
        registry: AgentRegistry | None = None,
        layout: Layout | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._remembered = Remembered(store, reach_redis=bus is None)
        if bus is None:
            from llmbus.producer.connect import rabbitmq_bus

            bus, layout = rabbitmq_bus(name, settings)
        self.name = name
        self._bus: Bus = bus
        self._layout = layout or Layout()
        self.registry = registry or AgentRegistry()
        self._clock = clock or SystemClock()
        self._inbox = Inbox(self._bus, self._layout, self._clock, self._remembered)
        self._in_doubt: dict[str, datetime] = {}
        """When tasks were submitted that may be queued, or may not. Submitted again, such a task is
        the same submission, and the worker that has it does not run it twice."""
        self._resources: AsyncExitStack | None = None

    async def __aenter__(self) -> Self:
        """Connect, and listen for results. `BrokerUnreachableError`, `ConfigurationError`."""
        async with AsyncExitStack() as resources:
            resources.push_async_callback(self._remembered.aclose)
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

    async def submit(
        self, task: AgentTask, *, lane: str | None = None, submitted_at: datetime | None = None
    ) -> TaskHandle:
        """Hand over one task. When this returns, the broker has it on disk and will keep it.

        The lane follows from the task's agent; `lane` names another one. Nothing is sent on
        `InvalidTaskError`, `UnknownAgentError`, `DeadlineExpiredError` (all `ValueError`) and
        `BodyTooLargeError`. `UnroutableError`: no worker has ever served that lane.
        `PublishUnknownError`: the broker did not answer in time and may have the task. Submit the
        same task again on this producer: it counts as the same submission, so a worker that has
        it already does not run it twice, and a second result is dropped by its id.

        `submitted_at` makes it the same submission as one of that moment, perhaps by a process that
        has died since. If its result is here already, nothing is sent.
        """
        lane, message = self._prepared(task, lane, submitted_at)
        if submitted_at is not None:
            self._in_doubt[task.task_id] = submitted_at
        return await self._submit(task.task_id, lane, message)

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
        return all_accepted(
            [task for task, _, _ in prepared], [answers[place] for place in range(len(prepared))]
        )

    def lane_of(self, task: AgentTask) -> str:
        """The lane that `submit` would choose; `UnknownAgentError` where it has none."""
        return agent_for(task, self.registry).agent_type.value

    def expect(self, task_id: str, submitted_at: datetime | None = None) -> TaskHandle:
        """A handle for a task that an earlier process of this orchestrator has submitted.

        With the moment, how an earlier submission ended is no answer, unless it succeeded.
        """
        submission = submitted_at.isoformat() if submitted_at is not None else None
        handle = self._inbox.expect(task_id, submission)
        self._inbox.resolve(handle)
        return handle

    async def catch_up(self) -> None:
        """Return once every result that waited in the queue when this was called is here. More
        than 2,000 that nobody takes hold it up: read `results` or `unclaimed_results` beside it."""
        await (await self._marked())

    async def forget(self, task_ids: Iterable[str]) -> None:
        """Forget how these tasks ended, and that they were cancelled: submitted again, they are
        run, and paid, anew. Else a task that succeeded is answered from what the store has kept.
        `StoreUnreachableError` if nobody can be asked to forget."""
        await self._remembered.forget(task_ids)

    def results(self) -> AsyncIterator[ExecutionResult]:
        """Every result that no `handle.wait()` has taken, also of tasks submitted before a restart.

        Without end; leave the loop by `break`. A result counts as processed when the next one is
        asked for or the producer is closed without an exception: an orchestrator that dies before
        that gets it again.
        """
        return self._inbox.results()

    async def unclaimed_results(self) -> AsyncIterator[ExecutionResult]:
        """The results that wait now and for whose tasks nobody holds a handle: of an earlier
        process of this orchestrator, or not waited for any more. Ends, unlike `results`."""
        async for result in self._inbox.unclaimed(await self._marked()):
            yield result

    def check(self, task: AgentTask) -> None:
        """Raise what `submit` would raise before it sends anything."""
        self._prepared(task, None)

    async def _submit(self, task_id: str, lane: str, message: Message) -> TaskHandle:
        self._require_open()
        submission = submission_of(message) or ""  # never empty: the message is our own
        handle = self._inbox.expect(task_id, submission)
        if task_id not in self._in_doubt:
            self._inbox.give_up_untaken(task_id)
        elif self._inbox.resolve(handle):
            return handle
        try:
            await self._publish(task_id, lane, message)
        except BaseException:
            handle.stand_for_no_more(submission)
            raise
        return handle

    async def _publish(self, task_id: str, lane: str, message: Message) -> None:
        try:
            await self._bus.publish(self._layout.tasks, lane, message)
            self._in_doubt.pop(task_id, None)
        except PublishUnknownError:
            self._in_doubt[task_id] = message.timestamp or self._clock.now()
            raise
        except UnroutableError as error:
            raise UnroutableError(
                f"task {task_id!r}: there is no lane {lane!r}; start a worker that serves it"
                f" (llmbus worker --lanes {lane})"
            ) from error

    def _prepared(
        self, task: AgentTask, lane: str | None, submitted_at: datetime | None = None
    ) -> tuple[str, Message]:
        # What was submitted before is checked as it was then: a deadline that has passed since is
        # for the worker to answer, which may have done so already.
        now = submitted_at or self._clock.now()
        agent = agent_for(task, self.registry)
        body = checked_body(task, now)
        if submitted_at is None:
            now = self._moment_in_doubt(task.task_id) or now
        message = task_message(task, body, agent=agent, reply_to=self.name, now=now)
        return lane or agent.agent_type.value, message

    def _moment_in_doubt(self, task_id: str) -> datetime | None:
        if self._inbox.has_given(task_id):
            self._in_doubt.pop(task_id, None)  # it was queued after all, and is over
        return self._in_doubt.get(task_id)

    async def _marked(self) -> asyncio.Future[None]:
        """Send a marker to the end of the results queue; done when it has come back."""
        self._require_open()
        marker = uuid4().hex
        passing = self._inbox.markers.passing(marker)
        message = Message(b"", MARKER_TYPE, correlation_id=marker, priority=0)
        await self._bus.publish(self._layout.results, self.name, message)
        return passing

    def _require_open(self) -> None:
        if self._resources is None:
            raise ClosedError("the producer is not open: use `async with Producer(...)`")

    def _topology(self) -> Topology:
        """The lanes of all agent types exist from the start: a task may come before any worker."""
        lanes = self._layout.for_tasks(agent_type.value for agent_type in AgentType)
        return lanes + self._layout.for_results(self.name)
