"""An existing caller's project: tasks, what they wait for, and how they end."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from llmbus.producer import ProjectOrchestrator
from llmbus.shared import (
    AgentRegistry,
    AgentTask,
    ExecutionStatus,
    ProjectPhase,
    TaskPriority,
    TaskStatus,
)
from llmbus.shared.errors import DependencyError
from llmbus.worker import TaskExecutor
from llmbus.worker.llm_abstractions import ScriptedProviders

PARAMETERS = {
    "add_task": ["task"],
    "add_tasks": ["tasks"],
    "get_task": ["task_id"],
    "update_task": ["task_id"],
    "remove_task": ["task_id"],
    "fail_task": ["task_id"],
    "start_task": ["task_id"],
    "cancel_task": ["task_id"],
    "complete_task": ["task_id", "output_files", "notes"],
    "get_next_task": ["priority", "phase"],
    "get_ready_tasks": [],
    "execute_task": ["task_id", "agent"],
    "generate_report": [],
}


def orchestrator(state_file: Path | None = None) -> ProjectOrchestrator:
    executor = TaskExecutor(AgentRegistry(), providers=ScriptedProviders())
    return ProjectOrchestrator(executor, state_file=state_file)


def task(task_id: str, *dependencies: str, **fields: Any) -> AgentTask:
    return AgentTask(
        task_id, f"Do {task_id}", "Do it.", "gpt-4", dependencies=list(dependencies), **fields
    )


@pytest.fixture
def project() -> ProjectOrchestrator:
    project = orchestrator()
    project.add_tasks([task("a"), task("b", "a"), task("c", "a", "b")])
    return project


def ids(tasks: list[AgentTask]) -> list[str]:
    return [each.task_id for each in tasks]


@pytest.mark.parametrize(("method", "parameters"), PARAMETERS.items())
def test_method_takes_what_it_took(method: str, parameters: list[str]) -> None:
    taken = list(inspect.signature(getattr(ProjectOrchestrator, method)).parameters)
    assert taken[1 : len(parameters) + 1] == parameters


def test_only_the_execution_is_a_coroutine() -> None:
    coroutines = {
        m for m in PARAMETERS if inspect.iscoroutinefunction(getattr(ProjectOrchestrator, m))
    }
    assert coroutines == {"execute_task"}


def test_unknown_dependency_is_an_error(project: ProjectOrchestrator) -> None:
    with pytest.raises(DependencyError, match="nowhere"):
        project.add_task(task("d", "nowhere"))
    assert project.get_task("d") is None


def test_cycle_is_an_error(project: ProjectOrchestrator) -> None:
    with pytest.raises(DependencyError):
        project.add_tasks([task("d", "e"), task("e", "d")])
    assert (project.get_task("d"), project.get_task("e")) == (None, None)


def test_task_is_got_updated_and_removed(project: ProjectOrchestrator) -> None:
    project.update_task("c", title="Do more", priority=TaskPriority.HIGH)
    updated = project.get_task("c")
    assert updated is not None
    assert (updated.title, updated.priority) == ("Do more", TaskPriority.HIGH)
    with pytest.raises(DependencyError):
        project.remove_task("a")
    project.remove_task("c")
    assert project.get_task("c") is None


def test_task_is_started_and_completed(project: ProjectOrchestrator) -> None:
    project.start_task("a")
    begun = project.get_task("a")
    assert begun is not None
    assert begun.status is TaskStatus.IN_PROGRESS
    assert begun.started_at is not None
    project.complete_task("a", output_files=["a.py"], notes="done")
    assert (begun.status, begun.output_files, begun.notes) == (
        TaskStatus.COMPLETED,
        ["a.py"],
        "done",
    )
    assert begun.completed_at is not None
    assert ids(project.get_ready_tasks()) == ["b"]


@pytest.mark.parametrize(
    ("method", "status"),
    [("fail_task", TaskStatus.FAILED), ("cancel_task", TaskStatus.CANCELLED)],
)
def test_task_that_ends_badly_holds_up_what_depends_on_it(
    project: ProjectOrchestrator, method: str, status: TaskStatus
) -> None:
    getattr(project, method)("a")
    ended = project.get_task("a")
    assert ended is not None
    assert ended.status is status
    assert project.get_ready_tasks() == []
    assert project.get_next_task() is None


def test_next_task_is_the_most_urgent_of_those_that_are_asked_for() -> None:
    project = orchestrator()
    project.add_tasks(
        [
            task("low", priority=TaskPriority.LOW),
            task("high", priority=TaskPriority.HIGH, phase=ProjectPhase.TESTING),
            task("waits", "low", priority=TaskPriority.CRITICAL),
        ]
    )

    def next_id(**wanted: Any) -> str | None:
        found = project.get_next_task(**wanted)
        return None if found is None else found.task_id

    assert next_id() == "high"
    assert next_id(priority=TaskPriority.LOW) == "low"
    assert next_id(phase=ProjectPhase.TESTING) == "high"
    assert next_id(phase=ProjectPhase.DEPLOYMENT) is None
    assert ids(project.get_ready_tasks()) == ["high", "low"]


async def test_task_is_executed_once_it_is_ready(project: ProjectOrchestrator) -> None:
    with pytest.raises(ValueError, match="nobody"):
        await project.execute_task("nobody")
    with pytest.raises(DependencyError):
        await project.execute_task("b")
    result = await project.execute_task("a")
    assert (result.task_id, result.agent, result.status) == ("a", "gpt-4", ExecutionStatus.SUCCESS)
    executed = project.get_task("a")
    assert executed is not None
    assert executed.status is TaskStatus.COMPLETED
    by_another = await project.execute_task("b", agent="gemini-pro")
    assert by_another.agent == "gemini-pro"


async def test_state_survives_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "project.json"
    with orchestrator(state) as before:
        before.add_tasks([task("a"), task("b", "a")])
        await before.execute_task("a")
    with orchestrator(state) as after:
        kept = after.get_task("a")
        assert kept is not None
        assert kept.status is TaskStatus.COMPLETED
        assert ids(after.get_ready_tasks()) == ["b"]


def test_report_counts(project: ProjectOrchestrator) -> None:
    project.complete_task("a")
    report = project.generate_report()
    assert report.total == 3
    assert report.by_status[TaskStatus.COMPLETED] == 1
