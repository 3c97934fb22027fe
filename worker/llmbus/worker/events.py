"""Every event of a worker, in one place: the log lines, the live table and the metrics come from
here, under the same names."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ClassVar

import msgspec

__all__ = [
    "AnswerUnconfirmed",
    "DeliveryAdopted",
    "Event",
    "MessageParked",
    "Observer",
    "ResultDelayed",
    "ResultRefused",
    "ResultRepeated",
    "TaskCancelled",
    "TaskDeferred",
    "TaskFailed",
    "TaskFinished",
    "TaskHandedOver",
    "TaskInterrupted",
    "TaskRetried",
    "TaskSentToFallback",
    "TaskStarted",
    "log_event",
]

_log = logging.getLogger("llmbus.worker")


class Event(msgspec.Struct, frozen=True):
    """Something that happened to one task. `name` is stable: dashboards may depend on it."""

    name: ClassVar[str]
    level: ClassVar[int] = logging.INFO

    task_id: str
    lane: str
    attempt: int


class TaskStarted(Event, frozen=True):
    """A run begins."""

    name: ClassVar[str] = "task_started"


class TaskFinished(Event, frozen=True):
    """The agent answered and the result is confirmed."""

    name: ClassVar[str] = "task_finished"

    seconds: float


class TaskRetried(Event, frozen=True):
    """The attempt failed; the task waits for its next one."""

    name: ClassVar[str] = "task_retried"
    level: ClassVar[int] = logging.WARNING

    kind: str
    reason: str
    delay_seconds: float


class TaskSentToFallback(Event, frozen=True):
    """The direct path cannot serve the task: it stands in the fallback queue."""

    name: ClassVar[str] = "task_sent_to_fallback"
    level: ClassVar[int] = logging.WARNING

    fallback_reason: str
    reason: str


class TaskFailed(Event, frozen=True):
    """The task failed for good, and the failed result is confirmed."""

    name: ClassVar[str] = "task_failed"
    level: ClassVar[int] = logging.WARNING

    kind: str
    reason: str


class TaskCancelled(Event, frozen=True):
    """The task was cancelled, and the cancelled result is confirmed."""

    name: ClassVar[str] = "task_cancelled"

    reason: str


class TaskDeferred(Event, frozen=True):
    """Another run of the task is alive: the message waits and is looked at again."""

    name: ClassVar[str] = "task_deferred"

    holder: str
    delay_seconds: float


class TaskHandedOver(Event, frozen=True):
    """The task runs for so long that the broker would take its message back: a copy waits in its
    place, and the run goes on."""

    name: ClassVar[str] = "task_handed_over"

    absence_seconds: float


class ResultRepeated(Event, frozen=True):
    """The task was answered before: the stored result was given again, and nothing was paid."""

    name: ClassVar[str] = "result_repeated"


class ResultRefused(Event, frozen=True):
    """This run came too late with its result: another one has the task, or has answered it."""

    name: ClassVar[str] = "result_refused"
    level: ClassVar[int] = logging.WARNING


class TaskInterrupted(Event, frozen=True):
    """The worker stops, or could not publish a result now: the task went back to its queue,
    uncharged."""

    name: ClassVar[str] = "task_interrupted"


class AnswerUnconfirmed(Event, frozen=True):
    """The worker stops before the broker has confirmed an answer: the task goes back to its queue,
    and the call may be paid for again."""

    name: ClassVar[str] = "answer_unconfirmed"
    level: ClassVar[int] = logging.ERROR


class MessageParked(Event, frozen=True):
    """Nobody can deal with the message: it stands in parking."""

    name: ClassVar[str] = "message_parked"
    level: ClassVar[int] = logging.ERROR

    reason: str


class DeliveryAdopted(Event, frozen=True):
    """A task that runs here came again: the run goes on under the newer delivery."""

    name: ClassVar[str] = "delivery_adopted"
    level: ClassVar[int] = logging.WARNING


class ResultDelayed(Event, frozen=True):
    """The broker does not take what has to be published; it is kept and tried again."""

    name: ClassVar[str] = "result_delayed"
    level: ClassVar[int] = logging.WARNING

    reason: str


Observer = Callable[[Event], None]
"""Hears of every event, in order. It must be quick and must not raise."""


def log_event(event: Event) -> None:
    """The observer that writes the log: the event's name, its fields beside it."""
    if _log.isEnabledFor(event.level):
        _log.log(event.level, event.name, extra={"fields": msgspec.structs.asdict(event)})
