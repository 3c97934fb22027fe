"""`Producer`: how an orchestrator hands tasks to the bus and gets their results back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from llmbus.producer.handle import TaskHandle
from llmbus.producer.inbox import PREFETCH, Inbox
from llmbus.producer.markers import MARKER_TYPE
from llmbus.producer.preparation import agent_for
from llmbus.producer.remembered import Remembered
from llmbus.producer.submissions import Submissions
from llmbus.shared.agents import AgentType
from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.errors import ClosedError
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.result import ExecutionResult
from llmbus.shared.store.interface import Store
from llmbus.shared.task import AgentTask
from llmbus.shared.topology import Layout, Topology

if TYPE_CHECKING:
    from llmbus.shared.settings import BusSettings

__all__ = ["Producer"]


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
        self._clock = clock or SystemClock()
        self._inbox = Inbox(self._bus, self._layout, self._clock, self._remembered)
        self._submissions = Submissions(
            name,
            self._bus,
            self._layout,
            registry or AgentRegistry(),
            self._clock,
            self._inbox,
            self._require_open,
        )
        self._resources: AsyncExitStack | None = None

    @property
    def registry(self) -> AgentRegistry:
        """The agents that tasks may name."""
        return self._submissions.registry

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
        return await self._submissions.submit(task, lane, submitted_at)

    async def submit_many(self, tasks: Iterable[AgentTask]) -> list[TaskHandle]:
        """Hand over many tasks with their confirmations pipelined; handles in the same order.

        All are checked before any is sent. `PartialSubmitError` says which were not accepted.
        """
        return await self._submissions.submit_many(tasks)

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
        self._submissions.check(task)

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
