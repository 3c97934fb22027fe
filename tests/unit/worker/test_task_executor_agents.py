"""What an agent was registered with reaches its provider and its script, and nobody else."""

from __future__ import annotations

import os

import pytest

from llmbus.shared import AgentInterface, AgentRegistry, AgentType, ExecutionResult
from tests.support.executor_scene import OneProvider, Scene, task
from tests.support.script_desk import ScriptDesk

KEY = "a-key-of-no-known-shape"


async def test_what_the_agent_was_registered_with_is_honoured(scene: Scene) -> None:
    scene.registry.register_agent(
        "mine",
        AgentType.OPENAI_GPT,
        AgentInterface.API,
        model="gpt-4o",
        api_key=f"{KEY}\n",
        api_endpoint="http://127.0.0.1:1/v1",
        max_tokens=77,
        temperature=0.1,
    )
    await scene.executor.execute(task("mine"))
    assert scene.providers.builds == [
        {
            "agent_type": AgentType.OPENAI_GPT,
            "model": "gpt-4o",
            "api_key": KEY,
            "api_endpoint": "http://127.0.0.1:1/v1",
        }
    ]
    (request,) = scene.providers.requests
    assert (request.max_tokens, request.temperature) == (77, 0.1)


@pytest.mark.parametrize(
    ("agent_type", "key_variable", "address_variable"),
    [
        (AgentType.ANTHROPIC_CLAUDE, "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
        (AgentType.OPENAI_GPT, "OPENAI_API_KEY", "OPENAI_BASE_URL"),
        (AgentType.GOOGLE_GEMINI, "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
        (AgentType.META_LLAMA, "META_LLAMA_API_KEY", "META_LLAMA_ENDPOINT"),
        (AgentType.CUSTOM, "CUSTOM_LLM_API_KEY", "CUSTOM_LLM_ENDPOINT"),
    ],
)
async def test_script_gets_the_key_and_the_address_of_its_agent_and_nobody_else_sees_it(
    scene: Scene, agent_type: AgentType, key_variable: str, address_variable: str
) -> None:
    scene.registry.register_agent(
        "mine", agent_type, AgentInterface.CLI, model="m", api_key=KEY, api_endpoint="http://h"
    )
    result = await scene.executor.execute(task("mine"))
    (run,) = scene.scripts.runs
    given = run["environment"]
    assert (given[key_variable], given[address_variable]) == (KEY, "http://h")
    assert os.environ.get(key_variable) != KEY
    assert (run["agent"].agent_type, run["agent"].model) == (agent_type, "m")
    assert KEY not in f"{result!r} {result.to_dict()} {run['task']!r} {run['agent']!r}"


async def test_key_is_blotted_out_of_an_unexpected_error(registry: AgentRegistry) -> None:
    registry.register_agent("mine", AgentType.OPENAI_GPT, AgentInterface.API, api_key=KEY)
    scene = Scene(registry, providers=OneProvider(error=ValueError(f"bad key {KEY}")))
    result = await scene.executor.execute(task("mine"))
    assert result.error == "ValueError: bad key <key>"


async def test_key_is_blotted_out_of_an_error_of_the_script_path(registry: AgentRegistry) -> None:
    def broken(*_: object) -> ExecutionResult:
        raise OSError(f"cannot start with {KEY}")

    registry.register_agent("mine", AgentType.OPENAI_GPT, AgentInterface.CLI, api_key=KEY)
    result = await Scene(registry, scripts=ScriptDesk(broken)).executor.execute(task("mine"))
    assert (result.status, result.error) == ("failed", "OSError: cannot start with <key>")
    assert result.metadata == {"execution_mode": "subprocess"}
