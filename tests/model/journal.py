"""What happened in one run of the model: facts for the invariants, sentences for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from llmbus.shared.bus.interface import Message
from llmbus.shared.codec import decode_task
from llmbus.shared.envelope import submission_of
from llmbus.shared.result import ExecutionResult, FailureKind
from llmbus.shared.store.claims import Claim
from llmbus.shared.task import AgentTask
from tests.model.process import Process
from tests.model.runs import RunFacts

__all__ = ["Accepted", "Call", "Journal", "ResultSent", "Span", "StoredOnce"]


_IN_ORDER_WITHIN = 4.0
"""After a thaw: a renewal, a publish, and its repetition."""


@dataclass
class Span:
    """From when until when; open until it is ended."""

    start: float
    end: float = inf

    def touches(self, start: float, end: float) -> bool:
        return self.start <= end and self.end >= start


@dataclass(eq=False)
class Call:
    """One paid call, made directly or by a script."""

    run: RunFacts
    number: int
    time: Span
    limit_seconds: float
    """How long it may take."""
    by_script: bool
    ending: FailureKind | str = "running"
    """`answered`, `cut`, or the kind of the failure."""

    @property
    def task_id(self) -> str:
        return self.run.task_id

    @property
    def process(self) -> Process:
        return self.run.process

    def __str__(self) -> str:
        by = "by script, " if self.by_script else ""
        where = f"attempt {self.run.attempt}, {self.process.name}"
        return f"call {self.number} ({self.task_id}, {by}{where})"


@dataclass(frozen=True)
class StoredOnce:
    """A result that the store took for the task's result."""

    at: float
    claim: Claim
    body: bytes
    succeeded: bool

    @property
    def task_id(self) -> str:
        return self.claim.claimant.task_id

    @property
    def submission(self) -> str:
        return self.claim.claimant.submission


@dataclass(frozen=True)
class ResultSent:
    """A result in the orchestrator's queue."""

    at: float
    body: bytes
    result: ExecutionResult


@dataclass(frozen=True)
class Accepted:
    """A submission: the first message of it that the broker took, from the orchestrator or, if it
    was redriven, from the operator."""

    at: float
    message: Message
    task: AgentTask

    @classmethod
    def of(cls, message: Message, now: float) -> Accepted:
        return cls(now, message, decode_task(message.body, message.content_type))


@dataclass
class Journal:
    """All of it, by the event loop's clock."""

    story: list[str] = field(default_factory=list[str])
    accepted: dict[str, dict[str, Accepted]] = field(default_factory=dict[str, dict[str, Accepted]])
    """By task id and submission, in order."""
    calls: dict[str, list[Call]] = field(default_factory=dict[str, list[Call]])
    """By task id."""
    claims: dict[str, list[tuple[float, RunFacts]]] = field(
        default_factory=dict[str, list[tuple[float, RunFacts]]]
    )
    """By task id: when the store gave a claim, and to whom."""
    tokens: dict[str, list[tuple[float, int]]] = field(
        default_factory=dict[str, list[tuple[float, int]]]
    )
    """By task id: when the store gave which token."""
    runs: dict[str, list[RunFacts]] = field(default_factory=dict[str, list[RunFacts]])
    """By task id."""
    stored: list[StoredOnce] = field(default_factory=list[StoredOnce])
    results: dict[str, list[ResultSent]] = field(default_factory=dict[str, list[ResultSent]])
    """By task id."""
    copies: Counter[str] = field(default_factory=Counter[str])
    """How many messages of each task are in the broker, to be run or waiting."""
    parked: Counter[str] = field(default_factory=Counter[str])
    """How many stand in parking."""
    was_parked: set[str] = field(default_factory=set[str])
    """The tasks of which a message ever stood there."""
    cancelled: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    """By task id and submission: when."""
    away: list[Span] = field(default_factory=list[Span])
    """When the store was."""
    emptied: list[float] = field(default_factory=list[float])
    """When the store forgot everything."""
    broker_away: list[Span] = field(default_factory=list[Span])
    alarms: list[Span] = field(default_factory=list[Span])
    killed: dict[Process, float] = field(default_factory=dict[Process, float])
    frozen: dict[Process, list[Span]] = field(default_factory=dict[Process, list[Span]])
    drained: dict[Process, float] = field(default_factory=dict[Process, float])
    hurried: dict[Process, float] = field(default_factory=dict[Process, float])
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

    def accept(self, message: Message, now: float) -> None:
        """Note a submission when its first message comes."""
        submissions = self.accepted.setdefault(message.correlation_id, {})
        submission = submission_of(message) or ""
        if submission not in submissions:
            submissions[submission] = Accepted.of(message, now)

    def asked_of(self, run: RunFacts) -> AgentTask:
        return self.accepted[run.task_id][run.submission].task

    def all_calls(self) -> Iterable[Call]:
        return (call for calls in self.calls.values() for call in calls)

    def trouble_between(self, start: float, end: float) -> bool:
        """Whether the store was away, or forgot."""
        return self.forgot_between(start, end) or any(
            span.touches(start, end) for span in self.away
        )

    def forgot_between(self, start: float, end: float) -> bool:
        return any(start <= moment <= end for moment in self.emptied)

    def awake_seconds(self, process: Process, start: float, end: float) -> float:
        """How much of that time the process was not frozen."""
        asleep = sum(
            max(0.0, min(span.end, end) - max(span.start, start))
            for span in self.frozen.get(process, ())
        )
        return max(0.0, end - start - asleep)

    def deaths_of(self, task_id: str, now: float) -> int:
        """How many runs began and did not end, because their workers were killed or froze. Who
        thawed, and reaches the broker, puts its runs in order soon."""
        return sum(
            started == task_id and (process in self.killed or self._is_late(process, now))
            for (started, _), process in self.open_starts.items()
        )

    def _is_late(self, process: Process, now: float) -> bool:
        thaws = [frozen.end for frozen in self.frozen.get(process, ())]
        return any(
            now - thaw <= _IN_ORDER_WITHIN
            or any(span.touches(thaw, now) for span in (*self.broker_away, *self.alarms))
            for thaw in thaws
        )

    def forget_starts_of(self, task_id: str) -> None:
        """As the store does when a result comes."""
        for start in [start for start in self.open_starts if start[0] == task_id]:
            del self.open_starts[start]

    def is_answered(self, task_id: str) -> bool:
        """Whether a result came since the task was last asked for."""
        asked = self.accepted.get(task_id, {})
        results = self.results.get(task_id)
        latest = max((each.at for each in asked.values()), default=0.0)
        return not asked or bool(results and results[-1].at >= latest)

    def acked(self, task_id: str, now: float) -> None:
        """The broker has forgotten a message of this task."""
        self.copies[task_id] -= 1
        if not (self.copies[task_id] or self.parked[task_id] or self.is_answered(task_id)):
            self.wrong.append(f"at {now:.2f} the last message of {task_id} was acked, unanswered")
