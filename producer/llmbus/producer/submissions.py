"""From a task to a message that the broker has confirmed, once even when it has to be repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from llmbus.producer.handle import TaskHandle
from llmbus.producer.inbox import Inbox
from llmbus.producer.partial_submit import all_accepted
from llmbus.producer.preparation import agent_for, checked_body
from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.clock import Clock
from llmbus.shared.envelope import submission_of
from llmbus.shared.errors import LlmbusError, PublishUnknownError, UnroutableError
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.task import AgentTask
from llmbus.shared.task_messages import task_message
from llmbus.shared.topology import Layout

__all__ = ["Submissions"]

_PUBLISHES_IN_FLIGHT: Final = 200
"""Enough to keep the broker's confirms flowing; more gains nothing."""


class Submissions:
    """Those of one orchestrator. What its methods promise and raise is said at `Producer`."""

    def __init__(
        self,
        address: str,
        bus: Bus,
        layout: Layout,
        registry: AgentRegistry,
        clock: Clock,
        inbox: Inbox,
        require_open: Callable[[], None],
    ) -> None:
        """`address` is the orchestrator's name; `require_open` raises while nothing can be sent."""
        self.registry: Final = registry
        self._address = address
        self._bus = bus
        self._layout = layout
        self._clock = clock
        self._inbox = inbox
        self._require_open = require_open
        self._in_doubt: dict[str, datetime] = {}
        """When tasks were submitted that may be queued, or may not. Submitted again, such a task is
        the same submission, and the worker that has it does not run it twice."""

    async def submit(
        self, task: AgentTask, lane: str | None, submitted_at: datetime | None
    ) -> TaskHandle:
        """See `Producer.submit`."""
        lane, message = self._prepared(task, lane, submitted_at)
        if submitted_at is not None:
            self._in_doubt[task.task_id] = submitted_at
        return await self._submit(task.task_id, lane, message)

    async def submit_many(self, tasks: Iterable[AgentTask]) -> list[TaskHandle]:
        """See `Producer.submit_many`."""
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

    def check(self, task: AgentTask) -> None:
        """See `Producer.check`."""
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
        message = task_message(task, body, agent=agent, reply_to=self._address, now=now)
        return lane or agent.agent_type.value, message

    def _moment_in_doubt(self, task_id: str) -> datetime | None:
        if self._inbox.has_given(task_id):
            self._in_doubt.pop(task_id, None)  # it was queued after all, and is over
        return self._in_doubt.get(task_id)
