"""What happened in one run, in one order: the only thing that the oracle reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import IO

import msgspec

__all__ = ["Event", "Fact", "History", "read_history"]


class Fact(StrEnum):
    """What can happen."""

    SUBMITTING = "submitting"
    """The orchestrator begins to publish a task. `digest`: of its body."""
    PUBLISH_CONFIRMED = "publish_confirmed"
    """The broker has confirmed a task."""
    ACCEPTED = "accepted"
    """`submit` returned: from here on the task must not be lost."""
    REFUSED = "refused"
    """`submit` raised; `note` says what. The task may be there or not, and it is submitted again;
    `number` is 1 if it is not."""
    SENT_RAW = "sent_raw"
    """The suite itself put a message into a lane, as another program would. `note`: what kind."""
    DIRECT_OFF = "direct_off"
    """The orchestrator is going to submit this task with the direct path switched off."""
    DELIVERED = "delivered"
    """`note` says if the broker calls it redelivered, and what it tells of redrives."""
    CLAIMING = "claiming"
    CLAIMED = "claimed"
    """The store was asked for a claim; `note` is its answer: `Finished` if there is a result."""
    STARTED = "started"
    ADOPTED = "adopted"
    SCRIPT_STARTED = "script_started"
    """A script of the fallback runs; `number` is its process id."""
    SCRIPT_ENDED = "script_ended"
    LEFT_BEHIND = "left_behind"
    """A process of a script is still there when no task is in hand. `note`: what it is."""
    CALLED = "called"
    """The provider received a request; `who` is the worker that sent it, `number` counts calls."""
    ANSWERED = "answered"
    """The provider's answer went out; `note` is its status."""
    STORING = "storing"
    STORED = "stored"
    """The store was asked to keep a result; `note` is its answer."""
    ANSWERING = "answering"
    """A worker begins to publish a result."""
    ANSWER_CONFIRMED = "answer_confirmed"
    RETRY_CONFIRMED = "retry_confirmed"
    """The copy for the next attempt is confirmed."""
    HAND_OVER_CONFIRMED = "hand_over_confirmed"
    """The copy for the fallback is confirmed."""
    PARK_CONFIRMED = "park_confirmed"
    PUBLISH_FAILED = "publish_failed"
    ACKING = "acking"
    ACKED = "acked"
    NACKED = "nacked"
    SETTLING_LOST = "settling_lost"
    """The channel of the delivery was gone."""
    GIVEN = "given"
    """The application has the result. `digest`: of the result, `note`: its status."""
    CANCEL_ACCEPTED = "cancel_accepted"
    """The store has noted that the orchestrator no longer wants the task."""
    CANCEL_REFUSED = "cancel_refused"
    """It came too late, or nobody can say whether it was noted; `note` says which."""
    REDRIVEN = "redriven"
    """Operators begin to send the task back from parking, as one redrive."""
    PARKED = "parked"
    """Found in parking at the end. `note`: its reason, `digest`: of its body."""
    LEFT_OVER = "left_over"
    """At the end a queue still holds messages; `who` is the queue, `number` how many."""
    PROCESS_STARTED = "process_started"
    PROCESS_READY = "process_ready"
    TOLD_TO_STOP = "told_to_stop"
    """SIGTERM."""
    KILLED = "killed"
    FROZEN = "frozen"
    """SIGSTOP."""
    THAWED = "thawed"
    STALLED = "stalled"
    """The event loop of `who`, or of the suite, through which all connections lead, has stood still
    for `number` milliseconds."""
    PROCESS_ENDED = "process_ended"
    """`number` is the exit code, negative for a signal."""
    STRUCK = "struck"
    """The suite injected a fault; `note` names it."""
    HEALED = "healed"
    CONSUMERS = "consumers"
    """How many consumers the broker sees on the lane (`number`) when `note` are alive."""
    ALL_ENDED = "all_ended"
    """Every task has ended, as far as anybody outside can see."""
    OUT_OF_TIME = "out_of_time"
    """The watchdog ended the run; `note` is what it waited for."""
    SECRET_SEEN = "secret_seen"
    """A key or password was found; `note` says where."""
    UNEXPECTED_OUTPUT = "unexpected_output"
    """A program wrote something that is no log line, or logged a defect."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened."""

    place: int
    """Position in the history: what is smaller came first."""
    at_seconds: float
    """Since the run began; for people, the oracle looks at `place` alone."""
    fact: Fact
    who: str = ""
    task: str = ""
    attempt: int = 0
    number: int = 0
    delivery: str = ""
    digest: str = ""
    note: str = ""

    def in_words(self) -> str:
        """One line for people."""
        shown = [f"{self.place:4d} {self.at_seconds:7.3f} {self.who:10} {self.fact:16}"]
        shown += [self.task] if self.task else []
        shown += [f"attempt {self.attempt}"] if self.attempt else []
        shown += [f"number {self.number}"] if self.number else []
        shown += [self.note] if self.note else []
        return " ".join(shown)


class History:
    """Grows while the run goes on; every event is on disk at once."""

    def __init__(self, file: IO[bytes], seconds: Callable[[], float]) -> None:
        """`seconds`: since the run began."""
        self._file = file
        self._seconds = seconds
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def record(
        self,
        fact: Fact,
        who: str = "",
        task: str = "",
        *,
        attempt: int = 0,
        number: int = 0,
        delivery: str = "",
        digest: str = "",
        note: str = "",
    ) -> Event:
        """Append an event and give it back."""
        at = round(self._seconds(), 4)
        event = Event(
            len(self.events), at, fact, who, task, attempt, number, delivery, digest, note
        )
        self.events.append(event)
        self._file.write(msgspec.json.encode(event) + b"\n")
        self._file.flush()
        self._news.set()
        return event

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Return as soon as the history fulfils the condition; False if it does not in time."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def until_since(
        self, since: int, wanted: Callable[[Event], bool], seconds: float
    ) -> bool:
        """Wait for an event that comes after place `since`."""
        return await self.until(lambda: any(map(wanted, self.events[since:])), seconds)

    def of(self, fact: Fact) -> Iterable[Event]:
        """The events of that kind, oldest first."""
        return [event for event in self.events if event.fact is fact]


def read_history(path: Path) -> list[Event]:
    """What `History` wrote."""
    return [msgspec.json.decode(line, type=Event) for line in path.read_bytes().splitlines()]
