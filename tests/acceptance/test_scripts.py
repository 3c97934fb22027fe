"""The task scripts as processes, with the real SDKs, against the provider simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from llmbus.shared import AgentTask, AgentType
from llmbus.shared.clock import SystemClock
from llmbus.shared.envelope import RequestedAgent
from llmbus.worker.executor import Executor
from llmbus.worker.llm_abstractions import LlmFactory
from llmbus.worker.provider_simulator import Behaviour, Body, Simulator
from tests.support.task_scripts import (
    Ended,
    a_task,
    run_script,
    script_command,
    simulated_providers,
)

KEY = "hunter2.in.no.shape.that.anybody.knows"
SCRIPTS = {
    "claude": AgentType.ANTHROPIC_CLAUDE,
    "gpt": AgentType.OPENAI_GPT,
    "gemini": AgentType.GOOGLE_GEMINI,
    "custom": AgentType.CUSTOM,
}

every_script = pytest.mark.parametrize("name", SCRIPTS)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        simulator.default = Behaviour(text="Paris.")
        yield simulator


async def ask(simulator: Simulator, name: str, **fields: Any) -> Ended:
    task = a_task(**{"execution_mode": "api", **fields})
    ended = await run_script(script_command(name), task, simulated_providers(simulator, KEY))
    assert KEY not in ended.out + ended.err
    assert "Traceback" not in ended.err
    return ended


@every_script
async def test_answer_says_who_answered_and_what_it_took(simulator: Simulator, name: str) -> None:
    ended = await ask(simulator, name)
    answer = ended.answer
    [received] = simulator.received
    assert (ended.code, answer["exit_code"]) == (0, 0)
    assert (answer["status"], answer["output"], answer["error"]) == ("success", "Paris.", "")
    assert (answer["task_id"], answer["agent"]) == ("t-1", "claude-code")
    assert answer["provider"] == SCRIPTS[name]
    assert answer["model"]
    assert answer["execution_time_seconds"] > 0
    assert answer["prompt_tokens"] > 0
    assert answer["completion_tokens"] > 0
    assert answer["tokens_used"] == answer["prompt_tokens"] + answer["completion_tokens"]
    assert datetime.fromisoformat(answer["timestamp"]).tzinfo
    assert answer["metadata"]["execution_mode"] == "subprocess"
    assert answer["failure"] is None
    assert received.status == 200


@every_script
async def test_provider_gets_what_the_direct_path_sends(
    simulator: Simulator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wishes = {"max_tokens": 300, "temperature": 0.2, "context": {"language": "Zürich"}}
    fields = a_task(deliverables=["a parser"], success_criteria=["green"], metadata=wishes)
    for variable, value in simulated_providers(simulator, KEY).items():
        monkeypatch.setenv(variable, value)
    await Executor(LlmFactory, SystemClock()).execute(
        AgentTask.from_dict(fields), RequestedAgent(SCRIPTS[name]), attempt=1
    )
    await LlmFactory.aclose()
    await ask(simulator, name, **fields)
    direct, by_script = simulator.received
    assert (direct.status, by_script.status) == (200, 200)
    assert by_script.body == direct.body
    assert (by_script.path, by_script.key) == (direct.path, direct.key)


async def test_top_level_beats_the_metadata(simulator: Simulator) -> None:
    said = {"model": "gpt-4.1", "max_tokens": 9, "temperature": 1.5}
    ended = await ask(simulator, "gpt", metadata=said, model="gpt-4o", max_tokens=77, temperature=0)
    [received] = simulator.received
    assert ended.answer["status"] == "success"
    assert received.body["model"] == "gpt-4o"
    assert (received.body["temperature"], 77 in received.body.values()) == (0, True)


async def test_llama_is_asked_at_its_own_address(simulator: Simulator) -> None:
    settings = {
        "META_LLAMA_API_KEY": KEY,
        "META_LLAMA_ENDPOINT": simulator.openai_url,
        "META_LLAMA_MODEL": "llama-9",
    }
    elsewhere = {"CUSTOM_LLM_ENDPOINT": "http://127.0.0.1:9/v1"}
    task = a_task(agent_type="meta-llama")
    ended = await run_script(script_command("custom"), task, settings | elsewhere)
    [received] = simulator.received
    assert ended.answer["provider"] == "meta-llama"
    assert received.body["model"] == "llama-9"


@pytest.mark.parametrize("mode", [{}, {"execution_mode": "interactive"}, {"execution_mode": None}])
async def test_claude_is_for_a_person_to_start_unless_api_is_said(mode: dict[str, Any]) -> None:
    ended = await run_script(script_command("claude"), a_task(**mode))
    answer = ended.answer
    assert (ended.code, answer["exit_code"], answer["status"]) == (0, 0, "pending")
    assert answer["output"] == "Use claude subagent to Parser"
    assert answer["metadata"]["execution_mode"] == "interactive"


@pytest.mark.parametrize(
    ("name", "fields", "variable"),
    [
        ("claude", {"execution_mode": "api"}, "ANTHROPIC_API_KEY"),
        ("gpt", {}, "OPENAI_API_KEY"),
        ("gemini", {}, "GOOGLE_API_KEY"),
        ("custom", {}, "CUSTOM_LLM_ENDPOINT"),
        ("custom", {"agent_type": "meta-llama"}, "META_LLAMA_ENDPOINT"),
    ],
)
async def test_missing_variable_is_named(name: str, fields: dict[str, Any], variable: str) -> None:
    ended = await run_script(script_command(name), a_task(**fields))
    answer = ended.answer
    assert (ended.code, answer["exit_code"], answer["status"]) == (2, 2, "failed")
    assert variable in answer["error"]
    assert answer["failure"]["kind"] == "missing_api_key"


@pytest.mark.parametrize("variable", ["LLMBUS_MODEL_PROFILES", "LLMBUS_SCRIPTED"])
async def test_wrong_setting_is_named(simulator: Simulator, variable: str) -> None:
    settings = simulated_providers(simulator, KEY) | {variable: "/no/such/file"}
    ended = await run_script(script_command("gpt"), a_task(), settings)
    assert (ended.code, ended.answer["status"]) == (2, "failed")
    assert "/no/such/file" in ended.answer["error"]
    assert not simulator.received


async def test_deployment_that_is_scripted_pays_nothing(
    simulator: Simulator, tmp_path: Any
) -> None:
    scripts = tmp_path / "scripts.json"
    scripts.write_text('{"t-1": {"answer": "By heart."}}')
    settings = simulated_providers(simulator, KEY) | {"LLMBUS_SCRIPTED": str(scripts)}
    ended = await run_script(script_command("gpt"), a_task(), settings)
    assert (ended.code, ended.answer["output"]) == (0, "By heart.")
    assert not simulator.received


@every_script
@pytest.mark.parametrize(
    ("behaviour", "kind", "retryable"),
    [
        (Behaviour(status=429, retry_after=7), "rate_limited", True),
        (Behaviour(status=503), "unavailable", True),
        (Behaviour(status=400), "rejected", False),
        (Behaviour(body=Body.TRUNCATED), "outcome_unknown", False),
        (Behaviour(body=Body.HTML), "outcome_unknown", False),
    ],
    ids=["429", "503", "400", "truncated", "html"],
)
async def test_failure_is_told_and_never_asked_again(
    simulator: Simulator, name: str, behaviour: Behaviour, kind: str, retryable: bool
) -> None:
    simulator.script(behaviour)
    ended = await ask(simulator, name)
    answer = ended.answer
    assert (ended.code, answer["exit_code"], answer["status"]) == (1, 1, "failed")
    assert (answer["failure"]["kind"], answer["failure"]["retryable"]) == (kind, retryable)
    assert answer["error"] == answer["failure"]["message"] != ""
    assert len(simulator.received) == 1


@every_script
async def test_key_that_a_provider_repeats_is_blotted_out(simulator: Simulator, name: str) -> None:
    simulator.script(Behaviour(status=401, message=f"Incorrect API key provided: {KEY}."))
    ended = await ask(simulator, name)  # which looks for the key in all that it wrote
    assert (ended.code, ended.answer["failure"]["kind"]) == (1, "account")
    assert "<key>" in ended.answer["error"]


async def test_what_is_no_task_ends_by_3_with_its_json_on_stderr(simulator: Simulator) -> None:
    ended = await ask(simulator, "gpt", title="")
    assert (ended.code, ended.out) == (3, "")
    assert ended.refusal["error"] == "title is required"
    assert (ended.refusal["status"], ended.refusal["exit_code"]) == ("failed", 3)
    assert not simulator.received
