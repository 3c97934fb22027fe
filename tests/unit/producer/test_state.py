"""The state of a project outlives its process, and is never damaged by us."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from llmbus.producer import ProjectOrchestrator
from llmbus.producer.state_file import StateFile, encode_state, set_aside
from llmbus.producer.state_writer import StateWriter
from llmbus.shared import AgentTask, ExecutionResult, ExecutionStatus, TaskStatus
from llmbus.shared.errors import ConfigurationError, InvalidInputError
from tests.support.waiting import eventually
from tests.unit.producer.executions import SleepingExecutor, ids, task


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def kept_statuses(path: Path) -> dict[str, str]:
    """What a process that starts now would read."""
    tasks = json.loads(path.read_text())["tasks"]
    return {each["task"]["task_id"]: each["task"]["status"] for each in tasks}


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def put_back(path: Path, content: bytes) -> None:
    path.write_bytes(content)


async def test_restarted_project_does_not_run_a_finished_task_again(path: Path) -> None:
    first = SleepingExecutor(0.0)
    first.failing = {"bad"}
    with ProjectOrchestrator(first, state_file=path) as one:
        one.add_tasks([task("a"), task("bad"), task("b", "a", "bad"), task("by-hand")])
        one.start_task("by-hand")
        await one.run()
    again = SleepingExecutor(0.0)
    with ProjectOrchestrator(again, state_file=path) as one:
        report = await one.run()
        assert report.failed == {"bad": "bad went wrong"}
        assert report.in_progress == ["by-hand"]
        one.reopen_task("bad")
        one.complete_task("by-hand")
        report = await one.run()
    assert report.is_completed
    assert again.calls == {"bad": 1, "b": 1}


async def test_what_ran_in_a_process_that_died_is_pending_again(path: Path) -> None:
    dying = SleepingExecutor(3_600.0, quick=0.0)
    one = ProjectOrchestrator(dying, state_file=path)
    one.add_tasks([task("quick"), task("slow"), task("after", "slow")])
    running = asyncio.create_task(one.run())

    async def quick_is_recorded() -> bool:
        return bool(dying.ended) and kept_statuses(path)["quick"] == "completed"

    await eventually(quick_is_recorded, "the state says that quick is completed")
    at_its_death = content_of(path)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    one.close()
    put_back(path, at_its_death)
    assert kept_statuses(path) == {
        "quick": "completed",
        "slow": "in_progress",
        "after": "pending",
    }
    alive = SleepingExecutor(0.0)
    with ProjectOrchestrator(alive, state_file=path) as one:
        assert ids(one.get_ready_tasks()) == ["slow"]
        assert (await one.run()).is_completed
    assert alive.calls == {"slow": 1, "after": 1}


async def test_start_is_on_the_disk_before_the_executor_is_asked(path: Path) -> None:
    class Looking(SleepingExecutor):
        seen: dict[str, str]

        async def execute(
            self, task: AgentTask, agent: str | None = None, mode: str | None = None
        ) -> ExecutionResult:
            self.seen = kept_statuses(path)
            return await super().execute(task, agent, mode)

    executor = Looking(0.0)
    with ProjectOrchestrator(executor, state_file=path) as one:
        one.add_task(task("a"))
        await one.run()
        assert executor.seen == {"a": "in_progress"}
        assert kept_statuses(path) == {"a": "completed"}


def test_changes_without_an_event_loop_are_on_the_disk_at_once(path: Path) -> None:
    with ProjectOrchestrator(SleepingExecutor(), state_file=path) as one:
        one.add_tasks([task("a"), task("b")])
        one.start_task("a")
        one.remove_task("b")
        assert kept_statuses(path) == {"a": "in_progress"}


async def test_task_of_a_person_is_still_theirs_after_a_restart(path: Path) -> None:
    executor = SleepingExecutor(0.0)
    executor.statuses["a"] = ExecutionStatus.PENDING
    with ProjectOrchestrator(executor, state_file=path) as one:
        one.add_task(task("a"))
        await one.run()
    with ProjectOrchestrator(executor, state_file=path) as one:
        assert (await one.run()).in_progress == ["a"]
    assert executor.calls == {"a": 1}


async def test_many_changes_share_a_write(path: Path) -> None:
    writes: list[int] = []

    class Counting(StateFile):
        def write(self, content: bytes, generation: int) -> None:
            writes.append(generation)
            super().write(content, generation)

    writer = StateWriter(Counting(path), lambda: encode_state([]))
    for _ in range(100):
        writer.changed()
    await asyncio.gather(*(writer.written() for _ in range(100)))
    writer.close()
    assert writes == [100]


def test_older_state_never_replaces_a_newer_one(path: Path) -> None:
    file = StateFile(path)
    file.write(b"newer", 2)
    file.write(b"older", 1)
    file.close()
    assert path.read_bytes() == b"newer"
    assert os.listdir(path.parent) == ["state.json"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is damaged, or no state"),
        (b'{"format": "llmbus project st', "is damaged, or no state"),
        (b"\xff\xfe", "is damaged, or no state"),
        (b'{"dependencies": {}}', "is damaged, or no state"),
        (b'{"format": "something else", "schema_version": 1}', "is no state of a project"),
        (b'{"format": "llmbus project state", "schema_version": 9}', "schema_version 9"),
        (b'{"format": "llmbus project state", "schema_version": 1}', "is damaged"),
        (
            b'{"format": "llmbus project state", "schema_version": 1, "tasks": [{"task": 7}]}',
            "is damaged",
        ),
    ],
)
def test_file_that_is_no_state_is_refused_and_left_as_it_is(
    path: Path, content: bytes, says: str
) -> None:
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(InvalidInputError, match=says) as raised:
            ProjectOrchestrator(SleepingExecutor(), state_file=path)
        assert str(path) in str(raised.value)
        assert "move it away" in str(raised.value)
    assert path.read_bytes() == content


def test_state_that_another_one_has_is_refused_until_it_closes(path: Path) -> None:
    with (
        ProjectOrchestrator(SleepingExecutor(), state_file=path),
        pytest.raises(ConfigurationError, match="in use by another process"),
    ):
        ProjectOrchestrator(SleepingExecutor(), state_file=path)
    ProjectOrchestrator(SleepingExecutor(), state_file=path).close()


def test_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "state.json"
    with pytest.raises(ConfigurationError, match="nowhere"):
        ProjectOrchestrator(SleepingExecutor(), state_file=path)


async def test_state_that_cannot_be_written_ends_the_run(path: Path) -> None:
    executor = SleepingExecutor(0.0)
    one = ProjectOrchestrator(executor, state_file=path)
    os.mkdir(path)  # whatever the reason: the new state cannot take the place of the old one
    one.add_task(task("a"))
    with pytest.raises(ConfigurationError, match="cannot write the state file"):
        await one.run()
    assert executor.calls == {}
    os.rmdir(path)
    one.close()
    assert kept_statuses(path)["a"] in {"pending", "in_progress"}


def test_state_set_aside_keeps_what_was_set_aside_before(path: Path) -> None:
    assert set_aside(path) is None
    for content in ("first", "second"):
        path.write_text(content)
        set_aside(path)
    assert {each.name: each.read_text() for each in path.parent.iterdir()} == {
        "state.1.json": "first",
        "state.2.json": "second",
    }


def test_state_in_use_is_not_set_aside(path: Path) -> None:
    with ProjectOrchestrator(SleepingExecutor(), state_file=path) as one:
        one.add_task(task("a"))
        with pytest.raises(ConfigurationError, match="in use"):
            set_aside(path)
    assert path.exists()


def test_task_keeps_every_field_across_a_restart(path: Path) -> None:
    added = task("a", metadata={"use_direct_llm": False, "context": ["ä", 1.5]}, tags=["x"])
    with ProjectOrchestrator(SleepingExecutor(), state_file=path) as one:
        one.add_task(added)
    with ProjectOrchestrator(SleepingExecutor(), state_file=path) as one:
        assert one.tasks == [added]
        assert added.status is TaskStatus.PENDING
