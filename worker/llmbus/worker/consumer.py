"""Takes deliveries and sees every run through to its settlement.

A delivery is never worked on inside the transport's callback: the transport cancels its callbacks
when a connection breaks, and a paid call would die with it. So every run is a task of our own; the
redelivery that follows a broken connection is adopted by the run that is already there.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import Final

from llmbus.shared.bus.interface import Bus, Delivery, Message
from llmbus.shared.envelope import attempt_of, lane_of, submission_of
from llmbus.shared.errors import DeliveryLostError
from llmbus.shared.task import AgentTask
from llmbus.worker.claims import ClaimKeeper
from llmbus.worker.events import AnswerUnconfirmed, DeliveryAdopted, Observer, TaskStarted
from llmbus.worker.execution import read_task
from llmbus.worker.executor import BeforeCall
from llmbus.worker.intake import Intake, Source
from llmbus.worker.outcome import Duplicate, Interrupted, Outcome, Parked
from llmbus.worker.run import Run, RunKey
from llmbus.worker.runs import Runs, all_ended, interrupt

__all__ = ["Consumer", "Execute"]

Execute = Callable[[AgentTask, Message, BeforeCall], Awaitable[Outcome]]
Settle = Callable[[Run, Outcome], Awaitable[None]]

_TIME_TO_ANSWER: Final = timedelta(seconds=15)
"""Beyond the grace time, for results that the broker has not confirmed yet."""

_log = logging.getLogger("llmbus.worker")


class Consumer:
    """Takes tasks from some queues and has each run once."""

    def __init__(
        self,
        bus: Bus,
        sources: Sequence[Source],
        execute: Execute,
        settle: Settle,
        claims: ClaimKeeper,
        observer: Observer,
    ) -> None:
        self.intake = Intake(bus, sources, self._take)
        self._execute = execute
        self._settle = settle
        self._claims = claims
        self._observe = observer
        self._slots = {each.queue: each.slots for each in sources}
        self._free = {queue: asyncio.Semaphore(slots) for queue, slots in self._slots.items()}
        self._runs = Runs()
        self._acks: set[asyncio.Task[None]] = set()
        self._is_hurried = False
        self._takes_nothing = False

    @property
    def slots_used(self) -> int:
        """How many tasks run now."""
        return len(self.running)

    @property
    def running(self) -> Collection[Run]:
        """What runs now."""
        return self._runs.started

    def has_room(self, queue: str) -> bool:
        """Whether the broker may hand over more from that queue."""
        unsettled = sum(len(run.deliveries) for run in self._runs.here if run.queue == queue)
        return unsettled < self._slots[queue]

    async def start(self) -> None:
        """Begin to take tasks."""
        await self.intake.open()

    async def stop_taking(self) -> int:
        """Take nothing more and return what has not begun, uncharged; how many that were. What
        runs goes on."""
        await self.intake.shut()
        unstarted = self._runs.waiting
        interrupt(unstarted)
        await all_ended(unstarted)
        for run in self._runs.here:
            if run in unstarted:  # it had not taken its first step
                await self._settle(run, Interrupted())
                self._runs.leave(run)
        return len(unstarted)

    def return_overdue(self, after: timedelta) -> None:
        """Return what has waited for a slot for longer than that: where the slots are taken by runs
        whose messages were handed over or lost, more is taken than can begin."""
        interrupt(run for run in self._runs.waiting if run.unsettled_for(after))

    async def drain(self, grace: timedelta) -> None:
        """Stop taking, return what has not begun, let the rest finish within `grace`, then return
        that, too. Nothing that is returned is charged an attempt."""
        returned = await self.stop_taking()
        _say("intake_stopped", returned=returned, running=self.slots_used)
        self._takes_nothing = True
        if not self._is_hurried:
            await all_ended(self._runs.here, grace)
        _say("grace_over", running=self.slots_used)
        self.interrupt()
        await all_ended(self._runs.here, _TIME_TO_ANSWER)
        for run in self._runs.here:
            if run.work is not None:
                run.work.cancel()
        await all_ended(self._runs.here)
        await asyncio.gather(*self._acks)
        _say("settled")

    def interrupt(self) -> None:
        """End the grace time now: every task that still runs goes back to its queue. What is
        answering already has been paid for, and goes on.

        While the intake is not shut yet, what is returned would come straight back and start again:
        then it is returned as soon as that is done."""
        self._is_hurried = True
        if self._takes_nothing:
            interrupt(self._runs.here)

    def _take(self, named_lane: str | None, delivery: Delivery) -> None:
        lane = named_lane or lane_of(delivery.message, delivery.routing_key)
        task = read_task(delivery.message)
        key = _key_of(delivery, task)
        if self._runs.has_settled(key):
            self._ack_soon(delivery)
            return
        run = self._runs.find(key)
        if run is not None:
            run.adopt(delivery)
            self._observe(DeliveryAdopted(*run.place))
            return
        return_key = named_lane or delivery.queue
        run = Run(key, lane, delivery.queue, return_key, delivery.message, task)
        self._runs.enter(run)
        run.adopt(delivery)
        run.work = asyncio.create_task(self._carry(run), name=f"run {key.task_id}")

    async def _carry(self, run: Run) -> None:
        """One run, from waiting for a slot to its settlement. Never raises."""
        try:
            async with self._free[run.queue]:
                await self._run(run)
        except asyncio.CancelledError:
            await self._end_early(run)
        except Exception as error:
            await self._park_defect(run, error)
        finally:
            self._runs.leave(run)

    async def _end_early(self, run: Run) -> None:
        """Somebody stopped this run, or the worker stops."""
        if run.stopped_as is not None and not run.answering:
            try:
                await self._settle(run, run.stopped_as)
                return
            except asyncio.CancelledError:
                pass  # the worker stops, and does not wait any longer for the broker
        if run.answering:
            self._observe(AnswerUnconfirmed(*run.place))
        await self._settle(run, Interrupted())

    async def _park_defect(self, run: Run, error: Exception) -> None:
        """A defect of ours must neither lose the task nor bring it back in a hot loop."""
        _log.exception("run_not_settled", extra={"fields": {"task_id": run.key.task_id}})
        reason = f"a defect of llmbus: {type(error).__name__}; the worker's log has the details"
        try:
            await self._settle(run, Parked(reason))
        except Exception:
            # Unsettled, the message returns to its queue when this worker ends.
            _log.exception("run_not_parked", extra={"fields": {"task_id": run.key.task_id}})

    async def _run(self, run: Run) -> None:
        if isinstance(run.task, Parked):
            await self._settle(run, run.task)
            return
        run.started = True
        outcome = await self._claims.claim(run, run.task)
        if outcome is None and run.claim is None:
            outcome = await _success_of(run.earlier)
        if outcome is None:
            self._observe(TaskStarted(*run.place))
            outcome = await self._execute(
                run.task, run.message, functools.partial(self._claims.confirm, run)
            )
        await self._settle(run, outcome)

    def _ack_soon(self, delivery: Delivery) -> None:
        ack = asyncio.create_task(_ack(delivery))
        self._acks.add(ack)
        ack.add_done_callback(self._acks.discard)


def _key_of(delivery: Delivery, task: AgentTask | Parked) -> RunKey:
    """What nobody can read is told apart by its message id alone."""
    task_id = delivery.message_id if isinstance(task, Parked) else task.task_id
    submission = submission_of(delivery.message) or delivery.message_id
    return RunKey(task_id, submission, attempt_of(delivery.message))


async def _success_of(earlier: Run | None) -> Duplicate | None:
    """Without a store: what another submission of the task comes to that was taken here before."""
    if earlier is None or earlier.work is None:
        return None
    await asyncio.wait([earlier.work])
    return Duplicate(earlier.success) if earlier.success is not None else None


def _say(stage: str, **fields: int) -> None:
    _log.info("drain_stage", extra={"fields": {"stage": stage} | fields})


async def _ack(delivery: Delivery) -> None:
    try:
        await delivery.ack()
    except DeliveryLostError:
        return  # it comes again, and is still known
