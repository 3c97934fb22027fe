"""What each run of a task was told by the store, and did: the facts behind every excuse."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from math import inf

from llmbus.shared.bus.interface import Message
from llmbus.shared.envelope import attempt_of, submission_of
from llmbus.shared.store.claims import (
    Claim,
    Claimed,
    FinishAnswer,
    Late,
    Stored,
)
from tests.model.process import Process

__all__ = ["RunFacts", "this_run"]


@dataclass(eq=False)
class RunFacts:
    """One hand-over, and the run that it began, if it began one."""

    process: Process
    message: Message
    claim: Claim | None = None
    """The latest that the store gave it, whether it heard of that or not."""
    claimed_at: float = inf
    is_unclaimed: bool = False
    """The store could not be asked, so nobody else knows of this run."""
    is_unconfirmed: bool = False
    """It asked whether it still had the task, and the store was away."""
    ended_at: float = inf
    """When the store heard that nobody has to run this attempt again."""
    refused_at: float = inf
    """When the store refused its result, or its claim: another run has the task, or answered."""
    unheard_since: float = inf
    """When it told the store of its end, and the store, or its answer, was away."""
    given_back_at: float = inf
    """When it began to return its message, unanswered."""

    @property
    def task_id(self) -> str:
        return self.message.correlation_id

    @property
    def submission(self) -> str:
        return submission_of(self.message) or ""

    @property
    def attempt(self) -> int:
        return attempt_of(self.message)

    @property
    def key(self) -> tuple[str, int]:
        """What its own process remembers it by."""
        return self.submission, self.attempt

    def was_given(self, claimed: Claimed, now: float) -> None:
        self.claim, self.claimed_at = claimed.claim, now
        self.is_unclaimed = False

    def has_ended(self, answer: FinishAnswer | None, now: float) -> None:
        """By `finish` with that answer, or by `pass_on`."""
        if answer is None or isinstance(answer, Stored):
            self.ended_at = min(self.ended_at, now)
        if isinstance(answer, Late):
            self.was_refused(now)
        else:
            self.unheard_since = inf

    def was_refused(self, now: float) -> None:
        self.refused_at = min(self.refused_at, now)

    def was_given_back(self, now: float) -> None:
        self.given_back_at = min(self.given_back_at, now)

    def was_not_heard(self, request: str, now: float) -> None:
        if request == "claim":
            self.is_unclaimed = True
        elif request == "renew":
            self.is_unconfirmed = True
        elif request in ("finish", "pass_on", "release"):
            self.unheard_since = min(self.unheard_since, now)


this_run: ContextVar[RunFacts | None] = ContextVar("this_run", default=None)
"""The run as a part of which this code goes on; None outside of all runs."""
