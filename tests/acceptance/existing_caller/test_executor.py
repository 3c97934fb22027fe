"""An existing caller's executor: it runs today's code, old scripts of one's own among it."""

# The prompt is asked for by the name that it has always had.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from llmbus.shared import AgentInterface, AgentRegistry, AgentTask, AgentType, ExecutionStatus
from llmbus.worker import TaskExecutor
from llmbus.worker.provider_simulator import Behaviour, Simulator
from tests.support.waiting import eventually

KEY = "sk-of-the-caller-0123456789"
OLD_SCRIPT = """
import json, os, sys
task = json.load(sys.stdin)
json.dump({
    "status": "success", "output": "old but " + os.environ.get("OPENAI_API_KEY", "without a key"),
    "error": "", "task_id": task["task_id"], "agent": task["agent"], "model": "old-model",
    "execution_time_seconds": 0.1, "tokens_used": 3, "prompt_tokens": 1, "completion_tokens": 2,
    "timestamp": "2026-01-02T03:04:05", "exit_code": 0,
}, sys.stdout)
print("a note", file=sys.stderr)
"""
ENDLESS_SCRIPT = """
import os, pathlib, subprocess, sys, time
here = pathlib.Path(__file__).parent
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
(here / "child").write_text(f"{child.pid}.")
(here / "parent").write_text(f"{os.getpid()}.")
time.sleep(600)
"""


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        simulator.default = Behaviour(text="Paris.")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", simulator.openai_url)
        yield simulator


@pytest.fixture
def old_scripts(tmp_path: Path) -> Path:
    for name in ("claude", "gpt", "gemini", "custom"):
        (tmp_path / f"execute_{name}.py").write_text(OLD_SCRIPT)
    return tmp_path


def task(agent: str = "gpt-4", **metadata: Any) -> AgentTask:
    return AgentTask(
        task_id="t-1", title="write the API", description="Do it.", agent=agent, metadata=metadata
    )


def test_signatures() -> None:
    def parameters(function: Any) -> list[tuple[str, Any]]:
        listed = inspect.signature(function).parameters.values()
        return [
            (p.name, None if p.default is p.empty else p.default)
            for p in listed
            if p.name != "self" and p.kind is p.POSITIONAL_OR_KEYWORD
        ]

    assert parameters(TaskExecutor) == [
        ("registry", None),
        ("scripts_dir", None),
        ("default_agent", "claude-code"),
    ]
    assert parameters(TaskExecutor.execute) == [("task", None), ("agent", None), ("mode", None)]
    assert parameters(TaskExecutor.execute_parallel) == [("tasks", None), ("max_concurrent", 3)]


@pytest.mark.parametrize(
    "method",
    [
        "execute",
        "execute_parallel",
        "_execute_interactive",
        "_execute_api",
        "_execute_hybrid",
        "_execute_via_llm",
        "_execute_via_script",
    ],
)
def test_execution_methods_are_coroutines(method: str) -> None:
    assert inspect.iscoroutinefunction(getattr(TaskExecutor, method))


async def test_interactive_agent_gives_the_command() -> None:
    result = await TaskExecutor(AgentRegistry()).execute(task("claude-code"))
    assert result.status is ExecutionStatus.PENDING
    assert result.output == "Use claude subagent to write the API"
    assert result.metadata["execution_mode"] == "interactive"
    assert result.metadata["requires_implementation"] is True
    assert result.metadata["command"] == result.output


async def test_api_agent_answers(simulator: Simulator) -> None:
    async with TaskExecutor(AgentRegistry()) as executor:
        result = await executor.execute(task())
        by_mode = await executor.execute(task("claude-code"), agent="gpt-4", mode="api")
    assert (result.status.value, result.output, result.error) == ("success", "Paris.", "")
    assert (result.task_id, result.agent) == ("t-1", "gpt-4")
    assert result.metadata["execution_mode"] == "llm_direct"
    assert result.metadata["provider"]
    assert result.metadata["model"]
    assert result.duration_seconds is not None
    assert "fallback_reason" not in result.metadata
    assert by_mode.output == "Paris."


async def test_hybrid_works_where_it_was_not_implemented(simulator: Simulator) -> None:
    async with TaskExecutor(AgentRegistry()) as executor:
        result = await executor.execute(task(), mode="hybrid")
    assert (result.status.value, result.output) == ("success", "Paris.")


@pytest.mark.parametrize("agent", ["nobody", "gemini-pro"])
async def test_unknown_or_disabled_agent_is_a_value_error(agent: str) -> None:
    registry = AgentRegistry()
    registry.disable_agent("gemini-pro")
    with pytest.raises(ValueError, match=agent):
        await TaskExecutor(registry).execute(task(), agent=agent)
    with pytest.raises(ValueError, match=agent):
        await TaskExecutor(registry).execute(task(agent))


async def test_script_runs_where_the_caller_turns_the_direct_path_off(
    simulator: Simulator, old_scripts: Path
) -> None:
    asked = task()
    asked.metadata["use_direct_llm"] = False
    result = await TaskExecutor(AgentRegistry(), scripts_dir=str(old_scripts)).execute(asked)
    assert (result.status, result.error) == (ExecutionStatus.SUCCESS, "")
    assert result.output == "old but <key>", "the script had the key, and the result has not"
    assert result.metadata["execution_mode"] == "subprocess"
    assert result.metadata["exit_code"] == 0
    assert "fallback_reason" not in result.metadata
    assert not simulator.received


async def test_switch_of_the_process_puts_everything_on_the_scripts(
    simulator: Simulator, old_scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMBUS_USE_DIRECT_LLM", "false")
    result = await TaskExecutor(AgentRegistry(), old_scripts).execute(task(use_direct_llm=True))
    assert result.metadata["execution_mode"] == "subprocess"
    assert not simulator.received


async def test_script_stands_in_where_there_is_no_key(
    old_scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    result = await TaskExecutor(AgentRegistry(), old_scripts).execute(task())
    assert (result.status, result.output) == (ExecutionStatus.SUCCESS, "old but without a key")
    assert result.metadata["execution_mode"] == "subprocess"
    assert result.metadata["fallback_reason"] == "missing_api_key"


async def test_key_of_an_agent_reaches_its_script(
    old_scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    registry = AgentRegistry()
    registry.register_agent("mine", AgentType.OPENAI_GPT, AgentInterface.CLI, api_key="my-own-key")
    result = await TaskExecutor(registry, old_scripts).execute(task("mine"))
    assert result.output == "old but <key>"
    assert "my-own-key" not in json.dumps(result.to_dict())


@pytest.mark.parametrize(
    ("script", "exit_code"),
    [
        ("import sys; print('no', file=sys.stderr); sys.exit(1)", 1),
        ("import sys; sys.exit(2)", 2),
        ("print('no JSON')", 0),
        ("raise SystemError('broken')", 1),
    ],
)
async def test_error_of_a_script_is_a_failed_result(
    old_scripts: Path, script: str, exit_code: int
) -> None:
    (old_scripts / "execute_gpt.py").write_text(script)
    asked = task(use_direct_llm=False)
    result = await TaskExecutor(AgentRegistry(), old_scripts).execute(asked)
    assert result.status is ExecutionStatus.FAILED
    assert result.error
    assert result.metadata["exit_code"] == exit_code


@pytest.mark.parametrize("mode", ["api", "hybrid"])
async def test_cancelling_leaves_no_process_of_the_script(old_scripts: Path, mode: str) -> None:
    (old_scripts / "execute_gpt.py").write_text(ENDLESS_SCRIPT)
    executor = TaskExecutor(AgentRegistry(), old_scripts)
    running = asyncio.create_task(executor.execute(task(use_direct_llm=False), mode=mode))
    pids = [old_scripts / "parent", old_scripts / "child"]

    async def both_run() -> bool:
        return all(path.exists() and path.read_text().endswith(".") for path in pids)

    await eventually(both_run, "the script and its child have started")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    for path in pids:
        assert not psutil.pid_exists(int(path.read_text().strip("."))), path.name


async def test_error_of_the_provider_is_a_failed_result(simulator: Simulator) -> None:
    simulator.default = Behaviour(status=500)
    async with TaskExecutor(AgentRegistry()) as executor:
        result = await executor.execute(task())
    assert result.status is ExecutionStatus.FAILED
    assert result.error
    assert result.metadata["execution_mode"] == "llm_direct"


async def test_many_come_back_in_the_order_they_were_given(simulator: Simulator) -> None:
    tasks = [
        AgentTask(f"t-{number}", "Title", "Do it.", "gpt-4", metadata={"model": "gpt-4o"})
        for number in range(7)
    ]
    async with TaskExecutor(AgentRegistry()) as executor:
        results = await executor.execute_parallel([(each, "gpt-4") for each in tasks])
    assert [result.task_id for result in results] == [each.task_id for each in tasks]
    assert {result.status.value for result in results} == {"success"}
    assert simulator.most_in_flight <= 3


def test_prompt_is_the_one_of_before() -> None:
    asked = AgentTask(
        task_id="t-1",
        title="write the API",
        description="Do it.",
        agent="gpt-4",
        deliverables=["api.py", "docs"],
        success_criteria=["tests pass"],
        metadata={"context": "In Python."},
    )
    system, user = TaskExecutor(AgentRegistry())._build_messages_from_task(asked)
    assert (system["role"], user["role"]) == ("system", "user")
    lines = system["content"].splitlines()
    assert "You are an AI agent executing a specific task for project orchestration." in lines
    for line in ("Task ID: t-1", "Title: write the API", "Agent: gpt-4"):
        assert line in lines
    assert lines[-1] == "Your goal is to complete the task according to the specifications."
    assert user["content"] == (
        "Please complete the following task:\n\nDo it.\n\n"
        "Expected Deliverables:\n- api.py\n- docs\n\n"
        "Success Criteria:\n- tests pass\n\n"
        "Context:\nIn Python."
    )


def test_prompt_leaves_out_what_there_is_none_of() -> None:
    _, user = TaskExecutor(AgentRegistry())._build_messages_from_task(task())
    assert user["content"] == "Please complete the following task:\n\nDo it."
