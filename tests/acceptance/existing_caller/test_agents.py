"""An existing caller's agents: names, defaults and wire values of before."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from llmbus.shared import AgentCapability, AgentConfig, AgentInterface, AgentRegistry, AgentType

WIRE: list[tuple[type[Enum], dict[str, str]]] = [
    (
        AgentType,
        {
            "ANTHROPIC_CLAUDE": "anthropic-claude",
            "OPENAI_GPT": "openai-gpt",
            "GOOGLE_GEMINI": "google-gemini",
            "META_LLAMA": "meta-llama",
            "CUSTOM": "custom",
        },
    ),
    (AgentInterface, {"TASK_TOOL": "task-tool", "API": "api", "CLI": "cli", "HYBRID": "hybrid"}),
    (
        AgentCapability,
        {
            name.upper(): name
            for name in (
                "code",
                "research",
                "design",
                "testing",
                "deployment",
                "documentation",
                "analysis",
                "planning",
            )
        },
    ),
]
DEFAULTS: dict[str, Any] = {
    "capabilities": [],
    "model": "",
    "api_key": None,
    "api_endpoint": None,
    "max_tokens": 4000,
    "temperature": 0.7,
    "metadata": {},
    "enabled": True,
}
KEY_VARIABLES = {
    AgentType.ANTHROPIC_CLAUDE: "ANTHROPIC_API_KEY",
    AgentType.OPENAI_GPT: "OPENAI_API_KEY",
    AgentType.GOOGLE_GEMINI: "GOOGLE_API_KEY",
}
CODE, DESIGN, TESTING = AgentCapability.CODE, AgentCapability.DESIGN, AgentCapability.TESTING


@pytest.mark.parametrize(("enum", "values"), WIRE)
def test_wire_values(enum: type[Enum], values: dict[str, str]) -> None:
    assert {member.name: member.value for member in enum} == values


@pytest.mark.parametrize(("field", "default"), DEFAULTS.items())
def test_default(field: str, default: Any) -> None:
    config = AgentConfig(name="a", agent_type=AgentType.CUSTOM, interface=AgentInterface.CLI)
    assert getattr(config, field) == default


def test_empty_name_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="name"):
        AgentConfig(name="", agent_type=AgentType.CUSTOM, interface=AgentInterface.API)


@pytest.mark.parametrize(("agent_type", "variable"), KEY_VARIABLES.items())
def test_key_comes_from_the_environment_for_an_api_and_is_never_in_the_dict(
    monkeypatch: pytest.MonkeyPatch, agent_type: AgentType, variable: str
) -> None:
    monkeypatch.setenv(variable, "the-key")
    config = AgentConfig("a", agent_type, AgentInterface.API)
    assert config.api_key == "the-key"
    assert AgentConfig("a", agent_type, AgentInterface.API, api_key="own").api_key == "own"
    assert AgentConfig("a", agent_type, AgentInterface.CLI).api_key is None
    assert "the-key" not in str(config.to_dict())
    assert "api_key" not in config.to_dict()


def test_ready_made_agents() -> None:
    registry = AgentRegistry()
    assert [(a.name, a.agent_type.value, a.interface.value) for a in registry.list_agents()] == [
        ("claude-code", "anthropic-claude", "task-tool"),
        ("gpt-4", "openai-gpt", "api"),
        ("gemini-pro", "google-gemini", "api"),
    ]


def test_second_agent_of_one_name_is_a_value_error() -> None:
    registry = AgentRegistry()
    registry.register_agent("mine", AgentType.CUSTOM, AgentInterface.API, [CODE], model="m")
    with pytest.raises(ValueError, match="mine"):
        registry.register_agent("mine", AgentType.CUSTOM, AgentInterface.API)


def test_agents_are_found_by_name_capability_and_type() -> None:
    registry = AgentRegistry()
    registry.register_agent("mine", AgentType.META_LLAMA, AgentInterface.API, [DESIGN], model="m")
    mine = registry.get_agent("mine")
    assert mine is not None
    assert mine.model == "m"
    assert registry.get_agent("nobody") is None
    assert "mine" in [agent.name for agent in registry.find_agents_by_capability(DESIGN)]
    assert registry.find_agents_by_type(AgentType.META_LLAMA) == [mine]


def test_disabled_agents_are_found_by_nobody_until_enabled() -> None:
    registry = AgentRegistry()
    registry.disable_agent("gpt-4")
    assert "gpt-4" not in [agent.name for agent in registry.list_agents()]
    assert "gpt-4" in [agent.name for agent in registry.list_agents(enabled_only=False)]
    assert registry.find_agents_by_type(AgentType.OPENAI_GPT) == []
    registry.enable_agent("gpt-4")
    assert "gpt-4" in [agent.name for agent in registry.list_agents()]
    registry.unregister_agent("gpt-4")
    assert registry.get_agent("gpt-4") is None


@pytest.mark.parametrize(
    ("required", "preferred", "recommended"),
    [
        ([CODE, TESTING], None, "many"),
        ([CODE, TESTING], [AgentType.META_LLAMA], "few"),
        ([CODE], [AgentType.GOOGLE_GEMINI], "many"),
        ([AgentCapability.PLANNING], None, "claude-code"),
    ],
)
def test_recommended_agent_has_all_then_is_preferred_then_has_most(
    required: list[AgentCapability], preferred: list[AgentType] | None, recommended: str
) -> None:
    registry = AgentRegistry()
    for name in ("claude-code", "gpt-4", "gemini-pro"):
        registry.disable_agent(name)
    registry.register_agent("few", AgentType.META_LLAMA, AgentInterface.API, [CODE, TESTING])
    registry.register_agent("many", AgentType.CUSTOM, AgentInterface.API, [CODE, TESTING, DESIGN])
    agent = registry.get_recommended_agent(required, preferred_types=preferred)
    assert agent is not None
    assert agent.name == recommended


def test_recommended_agent_falls_back_to_whom_the_caller_says() -> None:
    registry = AgentRegistry()
    for name in ("claude-code", "gpt-4", "gemini-pro"):
        registry.disable_agent(name)
    agent = registry.get_recommended_agent([CODE], fallback="gpt-4")
    assert agent is not None
    assert agent.name == "gpt-4"
