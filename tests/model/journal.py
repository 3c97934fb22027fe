"""What happened in one run of the model: facts for the invariants, sentences for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from llmbus.shared.bus.interface import Message
from llmbus.shared.envelope import submission_of
from llmbus.shared.result import FailureKind
from llmbus.shared.store.claims import Claim
from tests.model.process import Process

__all__ = ["Call", "Journal", "ResultSent", "Span", "StoredOnce"]


@dataclass
class Span:
    """From when until when; open until it is ended."""

    start: float
    end: float = inf

    def touches(self, start: float, end: float) -> bool:
        return self.start <= end and self.end >= start


@dataclass(eq=False)
class Call:
    """One paid call."""

    task_id: str
    submission: str
    attempt: int
    process: Process
    time: Span
    number: int
    ending: FailureKind | str = "running"
    """`answered`, `cut`, or the kind of the failure."""

    def __str__(self) -> str:
        return f"call {self.number} ({self.task_id}, attempt {self.attempt}, {self.process.name})"


@dataclass(frozen=True)
class StoredOnce:
    """A result that the store took for the task's result."""

    at: float
    claim: Claim
    body: bytes
    succeeded: bool


@dataclass(frozen=True)
class ResultSent:
    """A result in the orchestrator's queue."""

    at: float
    task_id: str
    submission: str
    body: bytes


@dataclass
class Accepted:
    """A message that the broker took from the orchestrator."""

    at: float
    message: Message

    @property
    def submission(self) -> str:
        return submission_of(self.message) or ""


@dataclass
class Journal:
    """All of it, by the event loop's clock."""

    story: list[str] = field(default_factory=list[str])
    accepted: dict[str, list[Accepted]] = field(default_factory=dict[str, list[Accepted]])
    """By task id."""
    calls: dict[str, list[Call]] = field(default_factory=dict[str, list[Call]])
    """By task id."""
    stored: list[StoredOnce] = field(default_factory=list[StoredOnce])
    results: dict[str, list[ResultSent]] = field(default_factory=dict[str, list[ResultSent]])
    """By task id."""
    copies: Counter[str] = field(default_factory=Counter[str])
    """How many messages of each task are in the broker, to be run or waiting."""
    parked: Counter[str] = field(default_factory=Counter[str])
    cancelled: dict[str, list[tuple[float, str]]] = field(
        default_factory=dict[str, list[tuple[float, str]]]
    )
    """By task id: when, and which submission."""
    store_troubles: list[Span] = field(default_factory=list[Span])
    losses: list[float] = field(default_factory=list[float])
    """When connections broke."""
    hand_overs: list[float] = field(default_factory=list[float])
    killed: dict[Process, float] = field(default_factory=dict[Process, float])
    frozen: dict[Process, list[Span]] = field(default_factory=dict[Process, list[Span]])
    drained: dict[Process, float] = field(default_factory=dict[Process, float])
    open_starts: dict[tuple[str, int], Process] = field(
        default_factory=dict[tuple[str, int], Process]
    )
    """By task id and token: who was given a claim and has not ended it."""
    ended: set[Process] = field(default_factory=set[Process])
    """Who has drained to the end."""
    wrong: list[str] = field(default_factory=list[str])
    """What must never be and was seen at once."""

    def tell(self, now: float, sentence: str) -> None:
        self.story.append(f"{now:8.2f}  {sentence}")

    def all_calls(self) -> Iterable[Call]:
        return (call for calls in self.calls.values() for call in calls)

    def running_calls(self) -> list[Call]:
        return [call for call in self.all_calls() if call.ending == "running"]

    def trouble_between(self, start: float, end: float) -> bool:
        """Whether the store was away, or had forgotten."""
        return any(trouble.touches(start, end) for trouble in self.store_troubles)

    def is_answered(self, task_id: str) -> bool:
        """Whether a result came since the task was last submitted. Whoever publishes a submission
        again, because its confirmation was late, may have its answer already."""
        first_at: dict[str, float] = {}
        for accepted in self.accepted.get(task_id, ()):
            first_at.setdefault(accepted.submission, accepted.at)
        results = self.results.get(task_id)
        return not first_at or bool(results and results[-1].at >= max(first_at.values()))

    def acked(self, task_id: str, now: float) -> None:
        """The broker has forgotten a message of this task."""
        self.copies[task_id] -= 1
        if not (self.copies[task_id] or self.parked[task_id] or self.is_answered(task_id)):
            self.wrong.append(f"at {now:.2f} the last message of {task_id} was acked, unanswered")
