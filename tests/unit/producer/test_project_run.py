"""Running a project, in virtual time: what runs when, and what becomes of the rest."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from llmbus.producer import ProjectOrchestrator, ProjectReport
from llmbus.shared import AgentTask, ExecutionResult, ExecutionStatus, TaskPriority, TaskStatus
from llmbus.shared.errors import DependencyError, InvalidInputError, InvalidTaskError
from tests.support.virtual_time import run_in_virtual_time
from tests.unit.producer.executions import RaisingExecutor, SleepingExecutor, result_of, task


def project(executor: Any, *tasks: AgentTask, **options: Any) -> ProjectOrchestrator:
    one = ProjectOrchestrator(executor, **options)
    one.add_tasks(tasks)
    return one


def carried_out(one: ProjectOrchestrator) -> tuple[ProjectReport, float]:
    async def main() -> tuple[ProjectReport, float]:
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        return await one.run(), loop.time() - started_at

    return run_in_virtual_time(main())


def test_three_independent_tasks_take_the_time_of_one() -> None:
    report, seconds = carried_out(
        project(SleepingExecutor(2.0), task("a"), task("b"), task("c"), max_concurrent=3)
    )
    assert report.is_completed
    assert 2.0 <= seconds < 2.2


def test_task_starts_when_its_own_dependencies_are_done_not_when_a_batch_is() -> None:
    executor = SleepingExecutor(1.0, slow=10.0)
    _, seconds = carried_out(
        project(executor, task("slow"), task("quick"), task("next", "quick"), task("last", "next"))
    )
    assert executor.ended == ["quick", "next", "last", "slow"]
    assert seconds == pytest.approx(10.0)


def test_no_more_run_at_once_than_allowed_and_the_most_urgent_first() -> None:
    executor = SleepingExecutor(1.0, a=5.0)
    urgent = task("urgent", priority=TaskPriority.CRITICAL)
    one = project(executor, task("a"), task("b"), task("c"), urgent, max_concurrent=2)
    _, seconds = carried_out(one)
    assert executor.started == ["urgent", "a", "b", "c"]
    assert executor.most_at_once == 2
    assert seconds == pytest.approx(5.0)


def test_what_depends_on_a_failed_task_is_blocked_not_run_and_reported() -> None:
    executor = SleepingExecutor()
    executor.failing = {"bad"}
    one = project(executor, task("bad"), task("b", "bad"), task("c", "b"), task("other"))
    report, _ = carried_out(one)
    assert executor.calls == {"bad": 1, "other": 1}
    assert report.failed == {"bad": "bad went wrong"}
    assert report.blocked == {"b": ["bad"], "c": ["b"]}
    assert not report.is_completed


def test_reopened_task_is_run_again_and_what_it_had_blocked() -> None:
    executor = SleepingExecutor()
    executor.failing = {"bad"}
    one = project(executor, task("bad"), task("b", "bad"))
    carried_out(one)
    executor.failing = set()
    one.reopen_task("bad")
    report, _ = carried_out(one)
    assert report.is_completed
    assert executor.calls == {"bad": 2, "b": 1}


def test_tasks_added_while_running_are_run() -> None:
    executor = SleepingExecutor(1.0)
    one = project(executor, task("first"))

    async def main() -> ProjectReport:
        running = asyncio.create_task(one.run())
        await asyncio.sleep(0.5)
        one.add_tasks([task("third", "second"), task("second", "first"), task("at-once")])
        return await running

    assert run_in_virtual_time(main()).is_completed
    assert executor.started == ["first", "at-once", "second", "third"]


def test_cancelled_task_is_waited_for_no_longer() -> None:
    executor = SleepingExecutor(100.0, other=1.0)
    one = project(executor, task("a"), task("b", "a"), task("other"))

    async def main() -> tuple[ExecutionResult, ProjectReport, float]:
        loop = asyncio.get_running_loop()
        executing = asyncio.create_task(one.execute_task("a"))
        running = asyncio.create_task(one.run())
        await asyncio.sleep(0.5)
        one.cancel_task("a", "not wanted")
        return await executing, await running, loop.time()

    result, report, seconds = run_in_virtual_time(main())
    assert result.status is ExecutionStatus.CANCELLED
    assert report.by_status[TaskStatus.CANCELLED] == 1
    assert report.blocked == {"b": ["a"]}
    assert seconds == pytest.approx(1.0)
    assert executor.running == set()


def test_cancelled_run_makes_what_ran_in_this_process_pending_again() -> None:
    executor = SleepingExecutor(100.0)
    one = project(executor, task("a"), task("b", "a"))

    async def main() -> None:
        running = asyncio.create_task(one.run())
        await asyncio.sleep(1.0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    run_in_virtual_time(main())
    assert executor.running == set()
    assert [each.status for each in one.tasks] == [TaskStatus.PENDING, TaskStatus.PENDING]
    report, _ = carried_out(one)
    assert report.is_completed


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (RuntimeError("out of luck"), "RuntimeError: out of luck"),
        (ValueError("agent 'x' is not registered"), "agent 'x' is not registered"),
    ],
)
def test_executor_that_raises_fails_that_task_alone(error: Exception, shown: str) -> None:
    report, _ = carried_out(project(RaisingExecutor(error), task("a"), task("b")))
    assert report.failed == {"a": shown, "b": shown}


def test_pending_result_leaves_the_task_to_a_person() -> None:
    executor = SleepingExecutor()
    executor.statuses["a"] = ExecutionStatus.PENDING
    one = project(executor, task("a"), task("b", "a"))
    report, _ = carried_out(one)
    assert (report.in_progress, report.ready, report.blocked) == (["a"], [], {})
    one.complete_task("a")
    report, _ = carried_out(one)
    assert report.is_completed
    assert executor.calls == {"a": 1, "b": 1}


def test_task_completed_by_hand_while_it_runs_stays_completed() -> None:
    executor = SleepingExecutor(2.0)
    executor.failing = {"a"}
    one = project(executor, task("a"), task("b", "a"))

    async def main() -> ProjectReport:
        running = asyncio.create_task(one.run())
        await asyncio.sleep(1.0)
        one.complete_task("a")
        return await running

    assert run_in_virtual_time(main()).is_completed


def test_execute_task_runs_one_task_on_the_agent_that_is_named() -> None:
    executor = SleepingExecutor()
    one = project(executor, task("a"), task("b", "a"))

    async def main() -> ExecutionResult:
        with pytest.raises(DependencyError, match="waits for 'a'"):
            await one.execute_task("b")
        with pytest.raises(ValueError, match="'nobody'"):
            await one.execute_task("nobody")
        return await one.execute_task("a", agent="gemini-pro")

    result = run_in_virtual_time(main())
    assert (result.status, executor.agents) == (ExecutionStatus.SUCCESS, {"a": "gemini-pro"})
    done = one.get_task("a")
    assert done is not None
    assert done.status is TaskStatus.COMPLETED


def test_task_that_runs_is_neither_run_again_nor_removed() -> None:
    one = project(SleepingExecutor(), task("a"))

    async def main() -> None:
        running = asyncio.create_task(one.run())
        await asyncio.sleep(0.5)
        with pytest.raises(InvalidTaskError, match="is running already"):
            await one.execute_task("a")
        with pytest.raises(InvalidTaskError, match="cancel it before"):
            one.remove_task("a")
        with pytest.raises(InvalidInputError, match="running already"):
            await one.run()
        await running

    run_in_virtual_time(main())
    assert one.generate_report().is_completed


def test_result_that_the_application_cannot_keep_ends_the_run_with_its_error() -> None:
    def refuse(result: ExecutionResult) -> None:
        raise OSError(f"no room for {result.task_id}")

    one = project(SleepingExecutor(), task("a"), task("slow"), on_result=refuse)
    with pytest.raises(OSError, match="no room for"):
        carried_out(one)


def test_every_result_is_given_to_the_application_once() -> None:
    kept: list[ExecutionResult] = []
    tasks = [task("a"), task("b", "a")]
    carried_out(project(SleepingExecutor(), *tasks, on_result=kept.append))
    assert kept == [result_of(each) for each in tasks]


def test_thousand_tasks_in_layers_are_all_run_once() -> None:
    executor = SleepingExecutor(1.0)
    layers = [[f"{layer}-{place}" for place in range(100)] for layer in range(10)]
    tasks = [task(name) for name in layers[0]]
    for above, below in pairwise(layers):
        tasks += [task(name, *above[:5]) for name in below]
    report, seconds = carried_out(project(executor, *tasks, max_concurrent=100))
    assert report.is_completed
    assert set(executor.calls.values()) == {1}
    assert seconds == pytest.approx(10.0)
