"""What goes to the fallback and what does not: the rows of the table in docs/operations.md, each
with the situations that show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from llmbus.shared import FailureKind
from llmbus.worker.llm_abstractions import LlmFactory, Providers
from tests.contracts.path.fallback_situations import (
    Bring,
    cancelled_before,
    deadly,
    given_up_by_the_broker,
    published,
    rejected_by_another_program,
    submitted,
    unreadable,
)
from tests.contracts.path.unusable import Defective, Uninstalled

__all__ = ["ROWS", "Goal", "Row", "Situation"]


class Goal(StrEnum):
    """Where a task goes, in the words of the table."""

    FALLBACK = "fallback"
    UNASKED = "fallback, unasked"
    RETRY = "wait queue, then the lane again"
    FAILED = "failed result"
    CANCELLED = "cancelled result"
    PARKED = "parking"
    FAILED_AND_PARKED = "failed result, and parking"


@dataclass(frozen=True)
class Situation:
    """One way for a task to get there."""

    name: str
    task: Mapping[str, Any] = field(default_factory=dict[str, Any])
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    providers: Callable[[], Providers] | None = None
    bring: Bring = submitted
    seconds_left: float | None = None
    """Until its deadline, when it is submitted."""
    delays_seconds: tuple[float, ...] = (0.05, 0.1)
    """Of the retry ladder."""
    kind: FailureKind | None = None
    """Of the result that is given."""
    attempts: int = 1
    """That the result tells of."""
    transports: tuple[str, ...] = ("memory", "rabbitmq")


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    what: str
    goal: Goal
    situations: tuple[Situation, ...]
    reason: str = ""

    @property
    def cells(self) -> tuple[str, str, str]:
        """As they stand in the table."""
        return self.what, self.goal.value, f"`{self.reason}`" if self.reason else ""


def _fails(*kinds: str) -> dict[str, Any]:
    return {"script": {"failures": kinds}}


def _fails_by(kind: str, attempts: int = 1) -> Situation:
    return Situation(kind, _fails(kind), kind=FailureKind(kind), attempts=attempts)


_PASSING: Final = ("rate_limited", "unavailable")
_PAY_AGAIN: Final = {"on_unknown_outcome": "retry"}

ROWS: Final = (
    Row(
        "`use_direct_llm` is false in the task's metadata",
        Goal.UNASKED,
        tuple(
            Situation(f"metadata {wish!r}", {"metadata": {"use_direct_llm": wish}})
            for wish in (False, "no")
        ),
        "use_direct_llm",
    ),
    Row(
        "the worker's `LLMBUS_USE_DIRECT_LLM` is false",
        Goal.UNASKED,
        (Situation("settings", settings={"use_direct_llm": False}),),
        "use_direct_llm",
    ),
    Row(
        "`missing_dependencies`: the provider's SDK is not installed in this worker",
        Goal.FALLBACK,
        (Situation("no SDK", providers=Uninstalled),),
        "missing_dependencies",
    ),
    Row(
        "`missing_api_key`: its key is not set in this worker",
        Goal.FALLBACK,
        (Situation("no key", providers=lambda: LlmFactory),),
        "missing_api_key",
    ),
    Row(
        "`rate_limited`, `unavailable`, with attempts left",
        Goal.RETRY,
        tuple(Situation(kind, _fails(kind), attempts=2) for kind in _PASSING),
    ),
    Row(
        "the same on the last attempt, or with the budget of its kind used up",
        Goal.FALLBACK,
        (
            *(Situation(f"last {kind}", _fails(*[kind] * 9), attempts=4) for kind in _PASSING),
            Situation("the only attempt", _fails("unavailable") | {"max_attempts": 1}, attempts=2),
            Situation(
                "budget",
                _fails(*["rate_limited"] * 9),
                {"retry_budgets": {FailureKind.RATE_LIMITED: 2}, "max_attempts": 9},
                attempts=3,
            ),
        ),
        "attempts_used_up",
    ),
    Row(
        "the same where `LLMBUS_FALLBACK_AFTER_RETRIES` is false",
        Goal.FAILED,
        (
            Situation(
                "used up",
                _fails(*["rate_limited"] * 9),
                {"fallback_after_retries": False},
                kind=FailureKind.RATE_LIMITED,
                attempts=3,
            ),
            Situation(
                "budget used up",
                _fails(*["unavailable"] * 9),
                {
                    "fallback_after_retries": False,
                    "retry_budgets": {FailureKind.UNAVAILABLE: 2},
                },
                kind=FailureKind.UNAVAILABLE,
                attempts=2,
            ),
        ),
    ),
    Row(
        "`rate_limited`, `unavailable`, and the deadline would pass before the next attempt",
        Goal.FAILED,
        (
            Situation(
                "too late",
                _fails("rate_limited"),
                seconds_left=20.0,
                delays_seconds=(60.0,),
                kind=FailureKind.RATE_LIMITED,
            ),
        ),
    ),
    Row(
        "`timeout`, `outcome_unknown`: the call may have been billed",
        Goal.FAILED,
        (
            Situation(
                "timeout",
                {"script": {"latency_seconds": 60}, "timeout_seconds": 0.05},
                kind=FailureKind.TIMEOUT,
            ),
            _fails_by("outcome_unknown"),
        ),
    ),
    Row(
        "`outcome_unknown` of a task that says `on_unknown_outcome: retry`, with attempts left",
        Goal.RETRY,
        (Situation("pays again", _fails("outcome_unknown") | _PAY_AGAIN, attempts=2),),
    ),
    Row(
        "the same on the last attempt",
        Goal.FALLBACK,
        (
            Situation(
                "paid again to the last", _fails(*["outcome_unknown"] * 9) | _PAY_AGAIN, attempts=4
            ),
        ),
        "attempts_used_up",
    ),
    Row(
        "`rejected`, `refused`, `context_too_long`, `account`",
        Goal.FAILED,
        tuple(map(_fails_by, ("rejected", "refused", "context_too_long", "account"))),
    ),
    Row(
        "`unknown_agent`: the message does not describe its agent, and the worker knows none such",
        Goal.FAILED,
        (
            Situation(
                "stranger",
                {"agent": "stranger"},
                bring=published,
                kind=FailureKind.UNKNOWN_AGENT,
                attempts=0,
            ),
        ),
    ),
    Row(
        "`internal`: a defect of ours or of a custom provider",
        Goal.FAILED,
        (Situation("defect", providers=Defective, kind=FailureKind.INTERNAL),),
    ),
    Row(
        "`expired`: the deadline passed, before the attempt or during it",
        Goal.FAILED,
        (
            Situation(
                "before", bring=published, seconds_left=-1, kind=FailureKind.EXPIRED, attempts=0
            ),
            Situation(
                "during",
                {"script": {"latency_seconds": 60}},
                seconds_left=0.5,
                kind=FailureKind.EXPIRED,
            ),
        ),
    ),
    Row(
        "somebody cancelled the task",
        Goal.CANCELLED,
        (Situation("cancelled", bring=cancelled_before, attempts=0),),
    ),
    Row(
        "a body that nobody can read, of a schema version from the future, say",
        Goal.PARKED,
        (Situation("unreadable", bring=unreadable),),
    ),
    Row(
        "`poison`: `LLMBUS_MAX_CRASHES` workers died of it",
        Goal.FAILED_AND_PARKED,
        (
            Situation(
                "deadly",
                settings={"max_crashes": 2},
                bring=deadly,
                kind=FailureKind.POISON,
                attempts=0,
            ),
        ),
    ),
    Row(
        "`poison`: the broker gave up on it (the delivery limit of a quorum queue)",
        Goal.FAILED_AND_PARKED,
        (
            Situation(
                "given up",
                bring=given_up_by_the_broker,
                kind=FailureKind.POISON,
                attempts=0,
                transports=("rabbitmq",),
            ),
        ),
    ),
    Row(
        "another program that consumes the lane rejects it",
        Goal.FALLBACK,
        (Situation("rejected by another", bring=rejected_by_another_program),),
        "dead_lettered",
    ),
)
