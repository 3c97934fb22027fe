"""A few runs of the fault suite, one for each family of faults: the gate's share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from llmbus.shared import TaskPriority
from tests.faults.ground import Ground
from tests.faults.plan import Injection, Plan
from tests.faults.report import Judged, failure_in_words
from tests.faults.run import run
from tests.faults.steps import Step
from tests.services import BrokerCannotBeRestarted

TASKS = (TaskPriority.LOW, TaskPriority.CRITICAL, TaskPriority.MEDIUM, TaskPriority.HIGH) * 2

RunPlan = Callable[[Plan], Judged]


def plan(*injections: Injection, scripts: int = 0) -> Plan:
    """Eight tasks on two workers; `scripts`: how many of them go to the fallback."""
    return Plan(
        seed=0,
        workers=2,
        priorities=TASKS,
        latency_seconds=0.1,
        injections=tuple(injections),
        scripts=scripts,
    )


PLANS = {
    "killed with the call": plan(Injection("worker-killed", Step.CALLED, 2)),
    "killed after the confirmation": plan(Injection("worker-killed", Step.CONFIRMED, 3)),
    "stopped before the answer": plan(Injection("worker-told-to-stop", Step.ANSWERING, 2)),
    "frozen before the answer": plan(Injection("worker-frozen", Step.ANSWERING, 1)),
    "connections closed during calls": plan(Injection("connections-closed", Step.CALLED, 2)),
    "reset between confirmation and ack": plan(Injection("broker-link-reset", Step.CONFIRMED, 2)),
    "Redis dies during a call": plan(Injection("redis-killed", Step.CALLED, 2)),
    "orchestrator dies at a confirmation": plan(Injection("orchestrator-killed", Step.ACCEPTED, 2)),
    "cancelled during its call": plan(Injection("task-cancelled", Step.CALLED, 2)),
    "cancelled while no worker lives": plan(Injection("task-unattended", Step.ACCEPTED, 2)),
    "cancelled between two attempts": plan(Injection("task-cancelled", Step.PUT_OFF, 2)),
    "three workers die of one task, and a fourth": plan(Injection("task-pardoned", Step.CALLED, 2)),
    "may not publish for a while": plan(Injection("permissions-lost", Step.ANSWERED, 1)),
    "redriven during a call": plan(Injection("task-redriven", Step.CALLED, 2)),
    "overloaded, and nonsense in the lane": plan(
        Injection("provider-overloaded"), Injection("message-malformed")
    ),
    "the fallback is killed with the call of a script": plan(
        Injection("fallback-killed", Step.CALLED, 2), scripts=2
    ),
    "cancelled during the call of a script": plan(
        Injection("fallback-task-cancelled", Step.CALLED, 1), scripts=1
    ),
    "a script is killed, another one leaves children": plan(
        Injection("script-killed", Step.CALLED, 1),
        Injection("script-leaves-children", Step.STARTED, 2),
        scripts=2,
    ),
}


@pytest.fixture(scope="module")
def run_plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunPlan]:
    """All runs of this module share one ground and one event loop."""
    folder = tmp_path_factory.mktemp("faults")
    with asyncio.Runner() as runner:
        ground = Ground()
        try:
            runner.run(ground.__aenter__())
        except BrokerCannotBeRestarted as reason:
            pytest.skip(str(reason))
        numbers = iter(range(len(PLANS)))

        def run_one(plan: Plan) -> Judged:
            return Judged(runner.run(run(plan, ground, folder / str(next(numbers)))))

        try:
            yield run_one
        finally:
            runner.run(ground.__aexit__())


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_every_promise_is_kept(plan: Plan, run_plan: RunPlan) -> None:
    judged = run_plan(plan)
    assert not judged.finished.not_reached, "the fault has not struck"
    assert not judged.violations, failure_in_words(judged, "this test")
