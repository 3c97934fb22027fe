"""What a hybrid wish may say, and what is said about a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from llmbus.shared import AgentConfig, AgentInterface, AgentRegistry, AgentTask, AgentType
from llmbus.shared.errors import InvalidInputError, UnknownAgentError
from llmbus.shared.execution_mode import ExecutionMode, interface_for
from llmbus.shared.hybrid import HybridStrategy, HybridWish

BOTH = ["gpt-4", "gemini-pro"]
MIXED = AgentConfig("mixed", AgentType.CUSTOM, AgentInterface.HYBRID)


def task(**metadata: Any) -> AgentTask:
    return AgentTask("t1", "Title", "Do it.", "mixed", metadata=metadata)


def agent(**metadata: Any) -> AgentConfig:
    return AgentConfig("mixed", AgentType.CUSTOM, AgentInterface.HYBRID, metadata=metadata)


@pytest.mark.parametrize("strategy", ["first_success", "race", "all"])
def test_strategies_are_read_by_their_wire_values(strategy: str) -> None:
    wish = HybridWish.of(task(hybrid={"strategy": strategy, "agents": BOTH}), MIXED)
    assert (wish.strategy.value, wish.agents) == (strategy, ("gpt-4", "gemini-pro"))


def test_strategy_that_is_left_out_is_one_after_the_other() -> None:
    wish = HybridWish.of(task(hybrid={"agents": BOTH}), MIXED)
    assert wish.strategy is HybridStrategy.FIRST_SUCCESS


def test_wish_of_the_task_goes_before_that_of_its_agent() -> None:
    of_agent = agent(hybrid={"agents": ["claude-code"], "strategy": "race"})
    assert HybridWish.of(task(), of_agent).agents == ("claude-code",)
    assert HybridWish.of(task(hybrid={"agents": BOTH}), of_agent).agents == tuple(BOTH)


def test_agent_without_any_wish_is_asked_itself() -> None:
    assert HybridWish.of(task(), MIXED) == HybridWish(("mixed",))


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({}, "missing required field `agents`"),
        ({"agents": []}, "`agents` is empty"),
        ({"agents": ["gpt-4", " "]}, "empty name"),
        ({"agents": ["gpt-4", "gemini-pro", "gpt-4"]}, "names gpt-4 more than once"),
        ({"agents": "gpt-4"}, "Expected `array`"),
        ({"agents": [4]}, "Expected `str`"),
        ({"agents": BOTH, "strategy": "fastest"}, "first_success, race, all"),
        ({"agents": BOTH, "strategie": "race"}, "strategie"),
        (True, "Expected `object`"),
        ("race", "Expected `object`"),
    ],
)
def test_wrong_wish_is_told_with_its_place(wish: Any, said: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        HybridWish.of(task(hybrid=wish), MIXED)
    assert "task 't1': metadata['hybrid'] is wrong" in str(caught.value)
    assert said in str(caught.value)


def test_wrong_wish_of_an_agent_names_the_agent() -> None:
    with pytest.raises(ValueError, match=r"agent 'mixed': metadata\['hybrid'\] is wrong"):
        HybridWish.of(task(), agent(hybrid={"agents": []}))


def test_one_model_for_several_agents_is_refused() -> None:
    with pytest.raises(ValueError, match=r"metadata\['model'\] is one model"):
        HybridWish.of(task(hybrid={"agents": BOTH}, model="gpt-4o"), MIXED)
    alone = HybridWish.of(task(hybrid={"agents": ["gpt-4"]}, model="gpt-4o"), MIXED)
    assert alone.agents == ("gpt-4",)


def test_agents_come_in_the_order_of_the_wish() -> None:
    wish = HybridWish(("gemini-pro", "gpt-4"))
    assert [config.name for config in wish.configs(AgentRegistry())] == ["gemini-pro", "gpt-4"]


def test_unknown_and_disabled_agents_are_named() -> None:
    registry = AgentRegistry()
    with pytest.raises(UnknownAgentError, match="'gpt-9' is not registered"):
        HybridWish(("gpt-4", "gpt-9")).configs(registry)
    registry.disable_agent("gpt-4")
    with pytest.raises(UnknownAgentError, match="'gpt-4' is disabled"):
        HybridWish(("gpt-4",)).configs(registry)


@pytest.mark.parametrize(
    ("mode", "interface"),
    [
        ("interactive", AgentInterface.TASK_TOOL),
        ("api", AgentInterface.API),
        ("hybrid", AgentInterface.HYBRID),
        (ExecutionMode.INTERACTIVE, AgentInterface.TASK_TOOL),
        (ExecutionMode.API, AgentInterface.API),
        (ExecutionMode.HYBRID, AgentInterface.HYBRID),
        (AgentInterface.API, AgentInterface.API),
        (AgentInterface.HYBRID, AgentInterface.HYBRID),
    ],
)
@pytest.mark.parametrize("own", list(AgentInterface))
def test_mode_overrides_whatever_interface(
    own: AgentInterface, mode: str, interface: AgentInterface
) -> None:
    config = AgentConfig("a", AgentType.CUSTOM, own)
    assert interface_for(task(hybrid={"agents": BOTH}), config, mode) is interface


@pytest.mark.parametrize("mode", ["", "API", "cli", "task-tool", "direct", AgentInterface.CLI])
def test_unknown_mode_lists_the_known_ones(mode: str) -> None:
    with pytest.raises(ValueError, match=r"is unknown \(known: interactive, api, hybrid\)"):
        interface_for(task(), MIXED, mode)


@pytest.mark.parametrize("own", list(AgentInterface))
@pytest.mark.parametrize("unmeant", [None, True, "yes", ["gpt-4"]])
def test_interface_is_the_agents_own_where_nobody_says_more(
    own: AgentInterface, unmeant: Any
) -> None:
    config = AgentConfig("a", AgentType.CUSTOM, own)
    assert interface_for(task(hybrid=unmeant), config) is own


def test_wish_in_the_task_makes_it_hybrid() -> None:
    config = AgentConfig("a", AgentType.CUSTOM, AgentInterface.API)
    assert interface_for(task(hybrid={"agents": BOTH}), config) is AgentInterface.HYBRID
