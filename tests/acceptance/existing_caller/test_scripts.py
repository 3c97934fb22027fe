"""An existing caller's scripts: JSON in, JSON out, and an exit code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmbus.worker.provider_simulator import Behaviour, Simulator
from tests.support.task_scripts import a_task, run_script, script_command, simulated_providers

SCRIPTS = ("claude", "gpt", "gemini", "custom")
RESULT_FIELDS = {
    "status": str,
    "output": str,
    "error": str,
    "task_id": str,
    "agent": str,
    "model": str,
    "execution_time_seconds": float,
    "tokens_used": int,
    "prompt_tokens": int,
    "completion_tokens": int,
    "timestamp": str,
    "exit_code": int,
}

every_script = pytest.mark.parametrize("name", SCRIPTS)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        simulator.default = Behaviour(text="Paris.")
        yield simulator


@every_script
async def test_success_is_0_with_every_field(simulator: Simulator, name: str) -> None:
    task = a_task(execution_mode="api", max_tokens=500, temperature=0.5)
    ended = await run_script(script_command(name), task, simulated_providers(simulator, "a-key"))
    answer = ended.answer
    assert ended.code == 0
    assert (answer["status"], answer["output"], answer["exit_code"]) == ("success", "Paris.", 0)
    assert {field: type(answer[field]) for field in RESULT_FIELDS} == RESULT_FIELDS


@every_script
async def test_execution_error_is_1(simulator: Simulator, name: str) -> None:
    simulator.default = Behaviour(status=500)
    task = a_task(execution_mode="api")
    ended = await run_script(script_command(name), task, simulated_providers(simulator, "a-key"))
    assert (ended.code, ended.answer["exit_code"], ended.answer["status"]) == (1, 1, "failed")
    assert ended.answer["error"]


@every_script
async def test_configuration_error_is_2(name: str) -> None:
    ended = await run_script(script_command(name), a_task(execution_mode="api"), {})
    assert (ended.code, ended.answer["exit_code"], ended.answer["status"]) == (2, 2, "failed")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"task_id": ""},
        {"title": ""},
        {"description": ""},
        {"agent": ""},
        {"task_id": None},
        {"estimated_hours": -1},
    ],
)
async def test_bad_task_is_3_with_the_json_on_stderr(spoilt: dict[str, Any]) -> None:
    ended = await run_script(script_command("gpt"), a_task(**spoilt), {})
    assert (ended.code, ended.out) == (3, "")
    assert (ended.refusal["exit_code"], ended.refusal["status"]) == (3, "failed")
    assert next(iter(spoilt)) in ended.refusal["error"]


async def test_claude_is_interactive_unless_the_mode_is_api() -> None:
    ended = await run_script(script_command("claude"), a_task(), {})
    assert (ended.code, ended.answer["status"]) == (0, "pending")
    assert "DeprecationWarning" in ended.err
