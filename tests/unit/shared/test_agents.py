"""Agents and their registry, as existing callers know them."""

from __future__ import annotations

import pytest

from llmbus.shared import (
    AgentCapability,
    AgentConfig,
    AgentInterface,
    AgentRegistry,
    AgentType,
)

CODE, DESIGN, TESTING = AgentCapability.CODE, AgentCapability.DESIGN, AgentCapability.TESTING


def test_ready_made_agents_are_there() -> None:
    registry = AgentRegistry()
    assert {agent.name: agent.interface for agent in registry.list_agents()} == {
        "claude-code": AgentInterface.TASK_TOOL,
        "gpt-4": AgentInterface.API,
        "gemini-pro": AgentInterface.API,
    }


def test_defaults_of_an_agent() -> None:
    agent = AgentConfig("a", AgentType.CUSTOM, AgentInterface.CLI)
    assert (agent.model, agent.max_tokens, agent.temperature) == ("", 4000, 0.7)
    assert (agent.api_key, agent.api_endpoint, agent.enabled) == (None, None, True)


def test_empty_name_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="name is required"):
        AgentConfig("", AgentType.CUSTOM, AgentInterface.CLI)


@pytest.mark.parametrize(
    ("agent_type", "variable"),
    [
        (AgentType.ANTHROPIC_CLAUDE, "ANTHROPIC_API_KEY"),
        (AgentType.OPENAI_GPT, "OPENAI_API_KEY"),
        (AgentType.GOOGLE_GEMINI, "GOOGLE_API_KEY"),
    ],
)
def test_key_of_an_api_agent_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, agent_type: AgentType, variable: str
) -> None:
    monkeypatch.setenv(variable, "sekret")
    assert AgentConfig("a", agent_type, AgentInterface.API).api_key == "sekret"
    assert AgentConfig("a", agent_type, AgentInterface.CLI).api_key is None
    assert AgentConfig("a", agent_type, AgentInterface.API, api_key="own").api_key == "own"


def test_key_never_leaves_the_agent() -> None:
    agent = AgentConfig("a", AgentType.CUSTOM, AgentInterface.API, api_key="sekret")
    assert "api_key" not in agent.to_dict()
    assert "sekret" not in repr(agent)
    assert "sekret" not in f"{agent}{[agent]}"


def test_name_can_be_registered_once() -> None:
    registry = AgentRegistry()
    registry.register_agent("mine", AgentType.CUSTOM, AgentInterface.API, [CODE], model="m")
    with pytest.raises(ValueError, match="'mine' is already registered"):
        registry.register_agent("mine", AgentType.CUSTOM, AgentInterface.API)
    registry.unregister_agent("mine")
    assert registry.get_agent("mine") is None


def test_disabled_agent_is_listed_only_on_demand() -> None:
    registry = AgentRegistry()
    registry.disable_agent("gpt-4")
    assert "gpt-4" not in {agent.name for agent in registry.list_agents()}
    assert "gpt-4" in {agent.name for agent in registry.list_agents(enabled_only=False)}
    assert not registry.find_agents_by_type(AgentType.OPENAI_GPT)
    registry.enable_agent("gpt-4")
    assert registry.find_agents_by_type(AgentType.OPENAI_GPT)


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="claude-code, gemini-pro, gpt-4"):
        AgentRegistry().enable_agent("nobody")


def test_recommended_agent_has_all_capabilities_and_the_most() -> None:
    registry = AgentRegistry()
    for name in ("claude-code", "gpt-4", "gemini-pro"):
        registry.unregister_agent(name)
    custom, claude = AgentType.CUSTOM, AgentType.ANTHROPIC_CLAUDE
    registry.register_agent("coder", custom, AgentInterface.API, [CODE])
    registry.register_agent("builder", custom, AgentInterface.API, [CODE, DESIGN, TESTING])
    registry.register_agent("thinker", claude, AgentInterface.API, [CODE, DESIGN])

    def recommended(*needed: AgentCapability, prefer: tuple[AgentType, ...] = ()) -> str | None:
        agent = registry.get_recommended_agent(needed, prefer, fallback="coder")
        return agent.name if agent else None

    assert recommended(CODE) == "builder"
    assert recommended(CODE, prefer=(claude,)) == "thinker"
    assert recommended(TESTING, prefer=(claude,)) == "builder"
    assert recommended(AgentCapability.RESEARCH) == "coder"
    assert [a.name for a in registry.find_agents_by_capability(DESIGN)] == ["builder", "thinker"]


def test_without_an_able_agent_and_a_fallback_there_is_none() -> None:
    registry = AgentRegistry()
    assert registry.get_recommended_agent([CODE], fallback="nobody") is not None
    for name in ("claude-code", "gpt-4", "gemini-pro"):
        registry.disable_agent(name)
    assert registry.get_recommended_agent([CODE], fallback="nobody") is None
