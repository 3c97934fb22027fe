"""A file of tasks and the state of an earlier run become one project."""

from __future__ import annotations

from typing import Any

from llmbus.ops.cli.project_file import TakenUp, take_up
from llmbus.producer import ProjectOrchestrator
from llmbus.shared import AgentTask, TaskStatus
from tests.unit.cli.sample import task
from tests.unit.producer.executions import SleepingExecutor, ids


def project(*tasks: AgentTask) -> ProjectOrchestrator:
    one = ProjectOrchestrator(SleepingExecutor())
    one.add_tasks(tasks)
    return one


def needing(task_id: str, *dependencies: str, **fields: Any) -> AgentTask:
    return task(task_id, dependencies=list(dependencies), **fields)


def test_first_run_takes_the_file_as_it_is() -> None:
    one = project()
    known_as_done = needing("done", status=TaskStatus.COMPLETED)
    under_way = needing("under-way", status=TaskStatus.IN_PROGRESS)
    assert take_up(one, [known_as_done, under_way]) == TakenUp(0, 0, [], [])
    assert ids(one.get_ready_tasks()) == ["under-way"]


def test_what_an_earlier_run_did_is_counted() -> None:
    one = project(needing("a"), needing("b"), needing("c"), needing("d"), needing("e"))
    one.complete_task("a")
    one.start_task("b")
    one.fail_task("c")
    one.cancel_task("d")
    taken_up = take_up(one, [needing(name) for name in "abcde"])
    assert taken_up == TakenUp(completed=1, in_progress=1, failed=["c", "d"], changed=[])


def test_file_describes_what_is_neither_done_nor_under_way() -> None:
    one = project(needing("done"), needing("open"))
    one.complete_task("done")
    renamed = [needing("done", description="Other."), needing("open", description="Other.")]
    assert take_up(one, renamed).changed == ["done"]
    assert [each.description for each in one.tasks] == ["Say hello.", "Other."]


def test_tasks_that_are_no_longer_in_the_file_are_forgotten() -> None:
    one = project(needing("a"), needing("b", "a"), needing("kept", "b"), needing("running"))
    one.complete_task("a")
    one.start_task("running")
    take_up(one, [needing("kept")])
    assert ids(one.tasks) == ["kept"]
    assert ids(one.get_ready_tasks()) == ["kept"]


def test_dependencies_may_be_turned_round() -> None:
    one = project(needing("a"), needing("b", "a"))
    take_up(one, [needing("a", "b"), needing("b", "new"), needing("new")])
    assert {each.task_id: each.dependencies for each in one.tasks} == {
        "a": ["b"],
        "b": ["new"],
        "new": [],
    }
    assert ids(one.get_ready_tasks()) == ["new"]
