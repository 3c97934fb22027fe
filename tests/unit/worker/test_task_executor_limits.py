"""What `TaskExecutor` makes of tasks that are spoilt, late, slow or cancelled."""

# The prompt is asked for by the name that it has always had.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from llmbus.shared import (
    AgentRegistry,
    AgentTask,
    ExecutionResult,
    ExecutionStatus,
    Failure,
    FailureKind,
)
from llmbus.worker import TaskExecutor
from llmbus.worker.llm_abstractions import ScriptedProviders
from tests.support.executor_scene import OFF, ON, HeldProvider, Scene, task
from tests.support.failures import failure_kind
from tests.support.script_desk import ScriptDesk
from tests.support.virtual_time import run_in_virtual_time


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


@pytest.mark.parametrize(
    ("seconds", "deadline_seconds", "kind", "said", "took"),
    [
        (5.0, None, FailureKind.TIMEOUT, "no answer within 5 s", 5),
        (5.0, 60.0, FailureKind.TIMEOUT, "no answer within 5 s", 5),
        (None, None, FailureKind.TIMEOUT, "no answer within 3600 s", 3600),
        (7200.0, None, FailureKind.TIMEOUT, "no answer within 7200 s", 7200),
    ],
)
def test_call_is_cut_at_its_time_limit(
    registry: AgentRegistry,
    seconds: float | None,
    deadline_seconds: float | None,
    kind: FailureKind,
    said: str,
    took: float,
) -> None:
    async def wait_for_it() -> tuple[ExecutionResult, float]:
        slow = task(script={"latency_seconds": 100_000})
        slow.timeout_seconds = seconds
        if deadline_seconds:
            slow.deadline = datetime.now(UTC) + timedelta(seconds=deadline_seconds)
        executor = TaskExecutor(registry, providers=ScriptedProviders(), settings=ON)
        result = await executor.execute(slow)
        return result, asyncio.get_running_loop().time()

    result, waited = run_in_virtual_time(wait_for_it())
    assert (failure_kind(result), round(waited)) == (kind, took)
    assert said in result.error
    assert result.attempts == 1
    assert result.failure is not None
    assert not result.failure.retryable, "it may have been billed"


def test_call_is_cut_at_its_deadline(registry: AgentRegistry) -> None:
    async def wait_for_it() -> ExecutionResult:
        slow = task(script={"latency_seconds": 100_000})
        slow.deadline = datetime.now(UTC) + timedelta(seconds=60)
        return await TaskExecutor(registry, providers=ScriptedProviders(), settings=ON).execute(
            slow
        )

    result = run_in_virtual_time(wait_for_it())
    assert failure_kind(result) is FailureKind.EXPIRED
    assert "while the task ran; the call may be billed" in result.error


def timed_out(of: AgentTask, told: dict[str, Any]) -> ExecutionResult:
    failure = Failure(FailureKind.TIMEOUT, "the script was killed")
    now = datetime.now(UTC)
    return ExecutionResult(
        of.task_id, of.agent, ExecutionStatus.FAILED, now, metadata=told, failure=failure
    )


async def test_script_that_a_deadline_cut_has_expired(registry: AgentRegistry) -> None:
    scene = Scene(registry, settings=OFF, scripts=ScriptDesk(timed_out))
    limited = task()
    assert failure_kind(await scene.executor.execute(limited)) is FailureKind.TIMEOUT
    limited.deadline = datetime.now(UTC) + timedelta(seconds=60)
    result = await scene.executor.execute(limited)
    assert failure_kind(result) is FailureKind.EXPIRED
    assert result.metadata == {"execution_mode": "subprocess"}


async def test_cancelling_ends_the_call(registry: AgentRegistry) -> None:
    provider = HeldProvider(expected=1)
    running = asyncio.create_task(Scene(registry, providers=provider).executor.execute(task()))
    await provider.all_arrived.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (provider.in_flight, provider.hung_up) == (0, ["t1"])


@pytest.mark.parametrize("mode", ["api", "hybrid"])
async def test_cancelling_ends_the_script(registry: AgentRegistry, mode: str) -> None:
    scripts = ScriptDesk(run_until=asyncio.Event().wait())
    scene = Scene(registry, settings=OFF, scripts=scripts)
    running = asyncio.create_task(scene.executor.execute(task(), mode=mode))
    await scripts.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert scripts.killed == ["t1"]
