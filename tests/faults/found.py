"""Plans that have found a defect once. `make faults` runs them before any seed.

They are kept as plans, because what a seed draws changes with every fault that is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from llmbus.shared import TaskPriority
from tests.faults.plan import Injection, Plan
from tests.faults.steps import Step

__all__ = ["FOUND", "Found"]

_SIX_TASKS: Final = (TaskPriority.LOW, TaskPriority.HIGH, TaskPriority.MEDIUM) * 2


@dataclass(frozen=True)
class Found:
    """What struck, and its story in one sentence."""

    name: str
    plan: Plan
    story: str


def _found(name: str, story: str, *injections: Injection, scripts: int = 0) -> Found:
    plan = Plan(
        seed=0,
        workers=2,
        priorities=_SIX_TASKS,
        latency_seconds=0.3,
        injections=injections,
        scripts=scripts,
    )
    return Found(name, plan, story)


FOUND: Final = (
    _found(
        "paid-twice-after-a-loss",
        "All connections are closed while calls run: the tasks went to other workers, which paid"
        " for them again.",
        Injection("connections-closed", Step.CALLED, 2),
    ),
    _found(
        "zombie-answers",
        "A worker that was frozen until another one had its task answered for it after all.",
        Injection("worker-frozen", Step.ANSWERING, 1),
    ),
    _found(
        "published-twice-run-twice",
        "In a memory alarm a task is published again and is in the lane twice: two workers ran it.",
        Injection("broker-memory-alarm", Step.SUBMITTING, 2),
    ),
    _found(
        "answers-not-permitted",
        "A user whose right to publish was taken for a moment: every answer was taken for a defect,"
        " could not be parked either, and held its place until the worker ended.",
        Injection("permissions-lost", Step.ANSWERED, 1),
    ),
    _found(
        "never-ends",
        "A worker that was told to stop did not end: redis-py had lost the cancellation of its"
        " heartbeat, or of the announcement of its drain. It takes luck: one run in some hundred.",
        Injection("broker-link-reset", Step.CONFIRMED, 2),
        Injection("broker-frozen", Step.STARTED, 2),
    ),
    _found(
        "fallback-waits",
        "An idle fallback was handed tasks before the worker had let go of them, and put them off"
        " until its claims would have lapsed.",
        Injection("fallback-told-to-stop", Step.CONFIRMED, 1),
        scripts=3,
    ),
    _found(
        "hides-a-call",
        "The guard of a script was killed during the call: the message in parking said that the"
        " script could not be started, so whoever sent it back would pay again unawares.",
        Injection("script-guard-killed", Step.CALLED, 1),
        scripts=2,
    ),
    _found(
        "parks-what-another-answers",
        "A fallback consumer was frozen until another one had its task, and its script failed: it"
        " put the task into parking, although the other one answered. It takes luck: as a rule it"
        " hears first that it was replaced.",
        Injection("script-prints-nothing", Step.STARTED, 1),
        Injection("fallback-frozen", Step.ANSWERED, 1),
        scripts=1,
    ),
)
