"""What has to happen in time, wherever a worker is awake and reaches what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from typing import Final

from tests.model.journal import Call, Journal, Span
from tests.model.process import Process
from tests.model.workers import GRACE_SECONDS, HAND_OVER_SECONDS, WorkerProcess
from tests.model.world import World

__all__ = ["late_by_now"]

_AT_ONCE: Final = 0.05
_CANCELLED_WITHIN: Final = 2.0
_STOPS_TAKING_WITHIN: Final = 5.0 + 0.5 + 1.0
"""An alarm that lasts: when it counts, when that is noticed, what was being taken."""
_BEGINS_TO_DRAIN_WITHIN: Final = 4.0
"""The watch ends first, and the fleet is told."""
_HANDED_OVER_WITHIN: Final = HAND_OVER_SECONDS * 1.05 + 2.0


def late_by_now(world: World) -> list[str]:
    """What should have happened before this moment."""
    journal, now = world.journal, world.now
    return [
        *(late for call in journal.all_calls() for late in _late_call(world, call)),
        *_taken_in_an_alarm(world),
        *(late for worker in world.living for late in _held_too_long(world, worker, now)),
    ]


def _late_call(world: World, call: Call) -> Iterator[str]:
    journal, process = world.journal, call.process
    deadline = journal.asked_of(call.run).deadline
    due = inf if deadline is None else world.moment(deadline)
    if call.time.start >= due:
        yield f"{call} was made after the deadline"
    end = min(call.time.end, world.now)
    if _awake_since(journal, process, min(due, call.time.start + call.limit_seconds), end):
        yield f"{call} went on beyond its time"
    wish = journal.cancelled.get((call.task_id, call.run.submission), inf)
    if not call.run.is_unclaimed and not journal.trouble_between(wish - 1, end):
        since = max(wish, call.time.start)
        if _awake_since(journal, process, since, end, _CANCELLED_WITHIN):
            yield f"{call} went on although its submission was cancelled"
    leaves = min(
        journal.drained.get(process, inf) + GRACE_SECONDS,
        max(journal.hurried.get(process, inf), journal.drained.get(process, inf)),
    )
    if _awake_since(journal, process, leaves, end, _BEGINS_TO_DRAIN_WITHIN):
        yield f"{call} went on although its worker had to leave"


def _awake_since(
    journal: Journal, process: Process, since: float, end: float, seconds: float = 0.0
) -> bool:
    """Whether the process was awake for longer than so many seconds between the two."""
    return since < end and journal.awake_seconds(process, since, end) > seconds + _AT_ONCE


def _taken_in_an_alarm(world: World) -> Iterator[str]:
    journal = world.journal
    began = {worker.process: worker.started_at for worker in world.workers}
    for alarm in journal.alarms:
        for call in journal.all_calls():
            if not alarm.touches(call.time.start, call.time.start):
                continue
            moments = [alarm.start, began[call.process]]
            moments += _ends_before(call.time.start, journal.broker_away)
            moments += _ends_before(call.time.start, journal.frozen.get(call.process, ()))
            if call.time.start - max(moments) > _STOPS_TAKING_WITHIN:
                yield f"{call} was made while its result could not be published"


def _held_too_long(world: World, worker: WorkerProcess, now: float) -> Iterator[str]:
    """Brokers take back what nobody settles."""
    journal = world.journal
    if not worker.is_serving or not worker.bus.held:
        return
    moments = list(_ends_before(inf, journal.broker_away + journal.alarms))
    moments += _ends_before(inf, journal.frozen.get(worker.process, ()))
    for delivery, since in worker.bus.held.items():
        if now - max(since, *moments, 0.0) > _HANDED_OVER_WITHIN:
            yield f"{worker.name} holds a message of {delivery.message.correlation_id} too long"


def _ends_before(moment: float, spans: Iterable[Span]) -> Iterator[float]:
    for span in spans:
        if span.start <= moment:
            yield min(span.end, moment)
