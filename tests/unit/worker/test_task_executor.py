"""`TaskExecutor`: who is asked, by which path, and what its callers are told."""

from __future__ import annotations

from typing import Any

import pytest

from llmbus.shared import (
    AgentInterface,
    AgentRegistry,
    AgentType,
    ExecutionStatus,
)
from llmbus.shared.errors import ConfigurationError
from llmbus.worker import TaskExecutor
from llmbus.worker.direct_path import wants_direct
from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    LlmError,
    MissingApiKeyError,
    MissingDependenciesError,
    MissingEndpointError,
    RateLimitedError,
)
from tests.support.executor_scene import OFF, ON, OneProvider, Scene, task

# Who is asked


async def test_agent_of_the_call_goes_before_that_of_the_task(scene: Scene) -> None:
    assert (await scene.executor.execute(task("gpt-4"), "gemini-pro")).agent == "gemini-pro"
    assert (await scene.executor.execute(task("gemini-pro"))).agent == "gemini-pro"
    assert [build["agent_type"] for build in scene.providers.builds] == ["google-gemini"] * 2


async def test_default_agent_is_asked_where_nobody_names_one(registry: AgentRegistry) -> None:
    nameless = task()
    nameless.agent = ""
    assert (await Scene(registry).executor.execute(nameless)).agent == "claude-code"
    assert (
        await Scene(registry, default_agent="gpt-4").executor.execute(nameless)
    ).agent == "gpt-4"


async def test_prompt_names_the_agent_that_is_asked_and_the_task_stays_as_it_is(
    scene: Scene,
) -> None:
    asked = task("gpt-4")
    before = asked.to_dict()
    await scene.executor.execute(asked, "gemini-pro")
    assert "Agent: gemini-pro" in scene.providers.requests[0].messages[0]["content"]
    assert asked.to_dict() == before


@pytest.mark.parametrize("mode", [None, "api", "interactive", "hybrid"])
async def test_unknown_agent_is_a_value_error_before_anything_runs(
    scene: Scene, mode: str | None
) -> None:
    with pytest.raises(ValueError, match="'nobody' is not registered"):
        await scene.executor.execute(task(), "nobody", mode)
    scene.registry.disable_agent("gpt-4")
    with pytest.raises(ValueError, match="'gpt-4' is disabled"):
        await scene.executor.execute(task(), mode=mode)
    assert scene.nothing_ran


async def test_unknown_mode_is_a_value_error_before_anything_runs(scene: Scene) -> None:
    with pytest.raises(ValueError, match=r"'cli' is unknown \(known: interactive, api, hybrid\)"):
        await scene.executor.execute(task(), mode="cli")
    assert scene.nothing_ran


# By which path


@pytest.mark.parametrize(
    ("interface", "mode", "path"),
    [
        (AgentInterface.TASK_TOOL, None, "interactive"),
        (AgentInterface.API, None, "llm_direct"),
        (AgentInterface.CLI, None, "subprocess"),
        (AgentInterface.HYBRID, None, "llm_direct"),
        (AgentInterface.TASK_TOOL, "api", "llm_direct"),
        (AgentInterface.CLI, "api", "llm_direct"),
        (AgentInterface.CLI, "interactive", "interactive"),
        (AgentInterface.API, "interactive", "interactive"),
        (AgentInterface.CLI, "hybrid", "subprocess"),
        (AgentInterface.TASK_TOOL, "hybrid", "llm_direct"),
    ],
)
async def test_interface_and_mode_choose_the_path(
    scene: Scene, interface: AgentInterface, mode: str | None, path: str
) -> None:
    scene.registry.register_agent("mine", AgentType.OPENAI_GPT, interface)
    result = await scene.executor.execute(task("mine"), mode=mode)
    assert result.metadata["execution_mode"] == path
    assert "fallback_reason" not in result.metadata
    assert (len(scene.providers.requests), len(scene.scripts.runs)) == (
        int(path == "llm_direct"),
        int(path == "subprocess"),
    )


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("claude-code", "Use claude subagent to Write the API"),
        ("claude", "Use claude subagent to Write the API"),
        ("claude-code-2", "Use claude-2 subagent to Write the API"),
        ("my-codec", "Use my-codec subagent to Write the API"),
    ],
)
async def test_interactive_result_is_the_command_to_give(
    scene: Scene, name: str, command: str
) -> None:
    if name != "claude-code":
        scene.registry.register_agent(name, AgentType.CUSTOM, AgentInterface.TASK_TOOL)
    result = await scene.executor.execute(task(name))
    assert (result.status, result.output, result.error) == (ExecutionStatus.PENDING, command, "")
    assert result.metadata == {
        "execution_mode": "interactive",
        "requires_implementation": True,
        "command": command,
    }
    assert (result.completed_at, result.attempts) == (None, 0)
    assert scene.nothing_ran


async def test_direct_result_says_who_answered(scene: Scene) -> None:
    result = await scene.executor.execute(task(model="gpt-4o"))
    assert (result.status, result.output, result.attempts) == ("success", "by the model", 1)
    assert result.metadata["execution_mode"] == "llm_direct"
    assert (result.metadata["provider"], result.metadata["model"]) == ("one", "gpt-4o")
    assert result.duration_seconds is not None


NO: list[Any] = [False, 0, 0.0, None, "", "false", "False", " FALSE ", "0", "no", "off", [], {}]
YES: list[Any] = [True, 1, -1, "true", "1", "yes", "on", "whatever", ["x"]]


@pytest.mark.parametrize("wish", NO)
async def test_whatever_means_no_runs_the_script_and_is_no_fallback(
    scene: Scene, wish: Any
) -> None:
    result = await scene.executor.execute(task(use_direct_llm=wish))
    assert (result.output, result.metadata) == (
        "by the script",
        {"exit_code": 0, "execution_mode": "subprocess"},
    )
    assert not scene.providers.requests


@pytest.mark.parametrize("wish", YES)
async def test_whatever_means_yes_asks_directly(scene: Scene, wish: Any) -> None:
    result = await scene.executor.execute(task(use_direct_llm=wish))
    assert result.metadata["execution_mode"] == "llm_direct"


async def test_wish_is_read_when_the_task_is_executed(scene: Scene) -> None:
    written_later = task()
    written_later.metadata["use_direct_llm"] = False
    result = await scene.executor.execute(written_later)
    assert result.metadata["execution_mode"] == "subprocess"


@pytest.mark.parametrize("wish", YES)
def test_switch_of_the_process_overrides_every_task(wish: Any) -> None:
    assert not wants_direct(task(use_direct_llm=wish), OFF)
    assert wants_direct(task(use_direct_llm=wish), ON)


@pytest.mark.parametrize(("value", "path"), [("false", "subprocess"), ("true", "llm_direct")])
async def test_switch_is_read_from_the_environment(
    registry: AgentRegistry, monkeypatch: pytest.MonkeyPatch, value: str, path: str
) -> None:
    monkeypatch.setenv("LLMBUS_USE_DIRECT_LLM", value)
    scene = Scene(registry, settings=None)
    assert (await scene.executor.execute(task())).metadata["execution_mode"] == path


def test_wrong_switch_is_told_by_its_name(
    registry: AgentRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMBUS_USE_DIRECT_LLM", "perhaps")
    with pytest.raises(ConfigurationError, match="LLMBUS_USE_DIRECT_LLM"):
        TaskExecutor(registry)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (MissingDependenciesError("install it"), "missing_dependencies"),
        (MissingApiKeyError("set it"), "missing_api_key"),
        (MissingEndpointError("set it"), "missing_api_key"),
    ],
)
async def test_provider_that_cannot_be_used_is_replaced_by_the_script(
    registry: AgentRegistry, missing: LlmError, reason: str
) -> None:
    scene = Scene(registry, providers=OneProvider(missing=missing))
    result = await scene.executor.execute(task())
    assert (result.status, result.output) == (ExecutionStatus.SUCCESS, "by the script")
    assert result.metadata["execution_mode"] == "subprocess"
    assert result.metadata["fallback_reason"] == reason
    (run,) = scene.scripts.runs
    assert run["reason"] == reason


@pytest.mark.parametrize("error", [RateLimitedError("later"), AccountError("pay"), KeyError("x")])
async def test_call_that_failed_is_not_repeated_by_the_script(
    registry: AgentRegistry, error: Exception
) -> None:
    scene = Scene(registry, providers=OneProvider(error=error))
    result = await scene.executor.execute(task())
    assert (result.status, result.agent) == (ExecutionStatus.FAILED, "gpt-4")
    assert result.metadata == {"execution_mode": "llm_direct"}
    assert (result.error != "", len(scene.providers.requests), scene.scripts.runs) == (True, 1, [])
