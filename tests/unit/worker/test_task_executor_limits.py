"""What `TaskExecutor` makes of tasks that are spoilt, late, slow or cancelled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from llmbus.shared import AgentRegistry, FailureKind
from llmbus.worker import TaskExecutor
from tests.support.executor_scene import OFF, Scene, task
from tests.support.failures import failure_kind


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", "", "title is required"),
        ("description", None, "description is required"),
        ("task_id", " ", "task_id is required"),
        ("estimated_hours", -1, "estimated_hours must be positive"),
        ("timeout_seconds", 0, "timeout_seconds must be positive"),
        ("deadline", datetime(2030, 1, 1), "deadline needs a time zone"),
        ("metadata", None, "metadata must be a dict, not NoneType"),
        ("metadata", "x", "metadata must be a dict, not str"),
    ],
)
@pytest.mark.parametrize("mode", ["api", "interactive", "hybrid", None])
async def test_task_that_was_spoilt_after_it_was_made_is_a_failed_result(
    scene: Scene, mode: str | None, field: str, value: Any, said: str
) -> None:
    spoilt = task()
    setattr(spoilt, field, value)
    result = await scene.executor.execute(spoilt, mode=mode)
    assert failure_kind(result) is FailureKind.REJECTED
    assert said in result.error
    assert (result.attempts, scene.nothing_ran) == (0, True)


@pytest.mark.parametrize("mode", ["api", "interactive", "hybrid"])
@pytest.mark.parametrize("use_direct_llm", [True, False])
async def test_expired_task_is_failed_and_nothing_is_called(
    scene: Scene, mode: str, use_direct_llm: bool
) -> None:
    late = task(use_direct_llm=use_direct_llm)
    late.deadline = datetime.now(UTC) - timedelta(seconds=1)
    result = await scene.executor.execute(late, mode=mode)
    assert failure_kind(result) is FailureKind.EXPIRED
    assert "before the task was started" in result.error
    assert (result.attempts, scene.nothing_ran) == (0, True)


async def test_script_is_told_its_time_limit(registry: AgentRegistry) -> None:
    scene = Scene(registry, settings=OFF)
    limited = task()
    limited.timeout_seconds = 7
    await scene.executor.execute(task())
    await scene.executor.execute(limited)
    limited.deadline = datetime.now(UTC) + timedelta(seconds=5)
    await scene.executor.execute(limited)
    first, second, third = [run["timeout"] for run in scene.scripts.runs]
    assert (first, second) == (timedelta(hours=1), timedelta(seconds=7))
    assert timedelta(0) < third <= timedelta(seconds=5)


def test_prompt_is_that_of_the_contract(scene: Scene) -> None:
    system, user = scene.executor._build_messages_from_task(task())
    assert "Task ID: t1" in system["content"]
    assert user["content"] == "Please complete the following task:\n\nDo it."


def test_scripts_dir_may_be_text_or_path(registry: AgentRegistry, tmp_path: Path) -> None:
    TaskExecutor(registry, str(tmp_path))
    TaskExecutor(registry, tmp_path, "gpt-4")
