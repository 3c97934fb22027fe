"""`ProjectOrchestrator` by hand: the interface that existing callers use."""

from __future__ import annotations

from typing import Any

import pytest

from llmbus.producer import ProjectOrchestrator
from llmbus.shared import AgentTask, ProjectPhase, TaskPriority, TaskStatus
from llmbus.shared.errors import DependencyError, InvalidTaskError
from tests.unit.producer.executions import SleepingExecutor, ids, task


def project(*tasks: AgentTask, **options: Any) -> ProjectOrchestrator:
    one = ProjectOrchestrator(SleepingExecutor(), **options)
    one.add_tasks(tasks)
    return one


def test_task_is_kept_as_the_object_that_was_added() -> None:
    one = project()
    added = task("a")
    one.add_task(added)
    assert one.get_task("a") is added
    assert one.get_task("b") is None
    assert one.tasks == [added]


def test_add_tasks_adds_all_or_none() -> None:
    one = project(task("a"))
    with pytest.raises(DependencyError, match="'c' depends on 'nowhere'"):
        one.add_tasks([task("b", "a"), task("c", "nowhere")])
    assert ids(one.tasks) == ["a"]
    with pytest.raises(DependencyError, match="circle"):
        one.add_tasks([task("b", "c"), task("c", "b")])
    with pytest.raises(DependencyError, match="'b' -> 'b'"):
        one.add_task(task("b", "b"))
    assert ids(one.tasks) == ["a"]


@pytest.mark.parametrize("tasks", [[task("a")], [task("b"), task("b")]])
def test_task_id_that_is_there_already_is_refused(tasks: list[AgentTask]) -> None:
    one = project(task("a"))
    with pytest.raises(InvalidTaskError, match="in the project already"):
        one.add_tasks(tasks)
    assert ids(one.tasks) == ["a"]


def test_next_task_is_the_most_urgent_then_the_oldest_that_is_ready() -> None:
    one = project(
        task("old"),
        task("new"),
        task("high", priority=TaskPriority.HIGH, phase=ProjectPhase.TESTING),
        task("later", "old", priority=TaskPriority.CRITICAL),
    )
    assert ids(one.get_ready_tasks()) == ["high", "old", "new"]
    found = one.get_next_task(), one.get_next_task(priority=TaskPriority.MEDIUM)
    assert [each.task_id for each in found if each] == ["high", "old"]
    in_testing = one.get_next_task(phase=ProjectPhase.TESTING)
    assert in_testing is not None
    assert in_testing.task_id == "high"
    assert one.get_next_task(priority=TaskPriority.CRITICAL) is None
    one.complete_task("old")
    urgent = one.get_next_task()
    assert urgent is not None
    assert urgent.task_id == "later"


def test_task_worked_on_by_hand_goes_from_pending_to_completed() -> None:
    one = project(task("a"), task("b", "a"))
    with pytest.raises(DependencyError, match=r"it waits for 'a' \(pending\)"):
        one.start_task("b")
    started = one.start_task("a")
    assert (started.status, started.started_at is not None) == (TaskStatus.IN_PROGRESS, True)
    assert one.get_ready_tasks() == []
    done = one.complete_task("a", output_files=["a.txt"], notes="well done")
    assert (done.status, done.output_files, done.notes) == (
        TaskStatus.COMPLETED,
        ["a.txt"],
        "well done",
    )
    assert done.completed_at is not None
    assert ids(one.get_ready_tasks()) == ["b"]
    with pytest.raises(InvalidTaskError, match="is completed"):
        one.start_task("a")


def statuses(one: ProjectOrchestrator) -> dict[str, str]:
    return {each.task_id: each.status.value for each in one.tasks}


def test_what_waits_for_a_failed_task_is_blocked_until_it_is_reopened() -> None:
    one = project(task("a"), task("b", "a"), task("c", "b"), task("other"))
    one.fail_task("a", "no luck")
    assert statuses(one) == {"a": "failed", "b": "blocked", "c": "blocked", "other": "pending"}
    one.add_task(task("d", "c"))
    assert statuses(one)["d"] == "blocked"
    one.reopen_task("a")
    assert set(statuses(one).values()) == {"pending"}
    assert ids(one.get_ready_tasks()) == ["a", "other"]


def test_what_waits_for_two_failed_tasks_stays_blocked_until_both_are_reopened() -> None:
    one = project(task("a"), task("b"), task("c", "a", "b"))
    one.fail_task("a")
    one.cancel_task("b")
    one.reopen_task("a")
    assert statuses(one) == {"a": "pending", "b": "cancelled", "c": "blocked"}
    one.complete_task("b")
    assert statuses(one)["c"] == "pending"


def test_completed_task_neither_fails_nor_opens_again() -> None:
    one = project(task("a"))
    one.complete_task("a")
    one.complete_task("a")
    for refused in (one.fail_task, one.cancel_task, one.reopen_task):
        with pytest.raises(InvalidTaskError, match="completed"):
            refused("a")


def test_task_that_others_need_cannot_be_removed() -> None:
    one = project(task("a"), task("b", "a"))
    with pytest.raises(DependencyError, match="needed by 'b'"):
        one.remove_task("a")
    one.remove_task("b")
    one.remove_task("a")
    assert one.tasks == []
    assert one.get_next_task() is None


def test_update_changes_fields_or_nothing() -> None:
    one = project(task("a"), task("b"), task("c", "b"))
    one.update_task("a", title="Better", priority="critical", dependencies=["b"])
    updated = one.get_task("a")
    assert updated is not None
    assert (updated.title, updated.priority) == ("Better", TaskPriority.CRITICAL)
    assert ids(one.get_ready_tasks()) == ["b"]
    with pytest.raises(DependencyError, match="circle"):
        one.update_task("b", title="Worse", dependencies=["c"])
    with pytest.raises(DependencyError, match="'nowhere'"):
        one.update_task("b", dependencies=["nowhere"])
    with pytest.raises(InvalidTaskError, match="title is required"):
        one.update_task("b", title=" ")
    with pytest.raises(InvalidTaskError, match="no field 'colour'"):
        one.update_task("b", colour="red")
    with pytest.raises(InvalidTaskError, match="use start_task"):
        one.update_task("b", status="completed")
    unchanged = one.get_task("b")
    assert unchanged is not None
    assert (unchanged.title, unchanged.dependencies) == ("Title of b", [])


@pytest.mark.parametrize(
    "method",
    ["start_task", "complete_task", "fail_task", "cancel_task", "remove_task", "reopen_task"],
)
def test_unknown_task_is_a_value_error_that_names_it(method: str) -> None:
    with pytest.raises(ValueError, match="'nobody' is not in the project"):
        getattr(project(), method)("nobody")


def test_report_says_how_the_project_stands() -> None:
    one = project(
        task("a", estimated_hours=3.0, phase=ProjectPhase.DESIGN),
        task("b", "a"),
        task("c"),
        task("d", "c", "a"),
    )
    one.complete_task("a")
    one.fail_task("c", "no luck")
    report = one.generate_report()
    assert (report.total, report.completed_percent, report.is_completed) == (4, 25.0, False)
    assert report.by_status[TaskStatus.CANCELLED] == 0
    assert report.by_phase[ProjectPhase.DESIGN].completed == 1
    assert (report.estimated_hours, report.completed_hours) == (6.0, 3.0)
    assert (report.ready, report.blocked, report.failed) == (["b"], {"d": ["c"]}, {"c": "no luck"})
    assert report.to_dict()["by_status"]["failed"] == 1


def test_report_on_nothing_is_complete() -> None:
    assert project().generate_report().is_completed


def test_observer_hears_of_every_change_of_a_status() -> None:
    heard: list[tuple[str, str]] = []

    def hear(changed: AgentTask) -> None:
        heard.append((changed.task_id, changed.status.value))

    one = project(task("a"), task("b", "a"), on_change=hear)
    one.fail_task("a")
    assert heard == [("a", "pending"), ("b", "pending"), ("a", "failed"), ("b", "blocked")]


def test_bound_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="max_concurrent"):
        project(max_concurrent=0)
