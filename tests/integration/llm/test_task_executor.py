"""`TaskExecutor` with the real SDKs against the simulator, as programs of today call it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmbus.shared import AgentInterface, AgentRegistry, AgentTask, AgentType
from llmbus.worker import TaskExecutor
from llmbus.worker.provider_simulator import Behaviour, OnlyFor, Simulator, Vendor

KEYS = {
    AgentType.ANTHROPIC_CLAUDE: "sk-ant-of-the-agent-0123456789",
    AgentType.OPENAI_GPT: "sk-of-the-agent-0123456789",
    AgentType.GOOGLE_GEMINI: "AIza-of-the-agent-0123456789",
}


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    async with Simulator(accepted_keys=KEYS.values()) as simulator:
        yield simulator


def registry_for(simulator: Simulator) -> AgentRegistry:
    addresses = {
        AgentType.ANTHROPIC_CLAUDE: simulator.anthropic_url,
        AgentType.OPENAI_GPT: simulator.openai_url,
        AgentType.GOOGLE_GEMINI: simulator.gemini_url,
    }
    registry = AgentRegistry()
    for agent_type, key in KEYS.items():
        registry.register_agent(
            f"my {agent_type}",
            agent_type,
            AgentInterface.API,
            api_key=key,
            api_endpoint=addresses[agent_type],
        )
    return registry


def task(agent: str, number: int = 1, **metadata: Any) -> AgentTask:
    return AgentTask(f"t{number}", "Title", "Say hello.", agent, metadata=metadata)


@pytest.mark.parametrize("agent_type", list(KEYS))
async def test_agent_is_asked_by_its_own_key_at_its_own_address(
    simulator: Simulator, agent_type: AgentType
) -> None:
    async with TaskExecutor(registry_for(simulator)) as executor:
        result = await executor.execute(task(f"my {agent_type}"))
    assert (result.status, result.error) == ("success", "")
    assert result.metadata["execution_mode"] == "llm_direct"
    assert result.usage is not None
    assert len(simulator.received) == 1
    assert not any(key in f"{result!r}{result.to_dict()}" for key in KEYS.values())


async def test_all_three_side_by_side_say_what_each_cost(simulator: Simulator) -> None:
    wish = {"strategy": "all", "agents": [f"my {agent_type}" for agent_type in KEYS]}
    registry = registry_for(simulator)
    registry.register_agent("three", AgentType.CUSTOM, AgentInterface.HYBRID)
    async with TaskExecutor(registry) as executor:
        result = await executor.execute(task("three", hybrid=wish))
    answers = result.metadata["hybrid"]["answers"]
    assert [answer["status"] for answer in answers] == ["success"] * 3
    assert [answer["provider"] for answer in answers] == [str(agent_type) for agent_type in KEYS]
    costs = [answer["cost_usd"] for answer in answers]
    assert all(costs)
    assert result.usage is not None
    assert result.usage.cost_usd == pytest.approx(sum(costs))


async def test_race_is_won_by_who_answers(simulator: Simulator) -> None:
    for vendor in (Vendor.ANTHROPIC, Vendor.GEMINI):
        simulator.script(Behaviour(latency_seconds=600, only_for=OnlyFor(vendor=vendor)))
    agents = [f"my {agent_type}" for agent_type in KEYS]
    wish = {"strategy": "race", "agents": agents}
    async with TaskExecutor(registry_for(simulator)) as executor, asyncio.timeout(30):
        result = await executor.execute(task(agents[0], hybrid=wish))
    assert result.metadata["hybrid"]["answered_by"] == f"my {AgentType.OPENAI_GPT}"
    statuses = [answer["status"] for answer in result.metadata["hybrid"]["answers"]]
    assert statuses == ["cancelled", "success", "cancelled"]
    assert result.usage is not None
    assert result.usage.cost_usd is None, "what was cut off may have been billed"


async def test_hundred_tasks_are_under_way_at_once_and_dropped_together(
    simulator: Simulator,
) -> None:
    simulator.latency_seconds = 600
    agent = f"my {AgentType.OPENAI_GPT}"
    tasks = [(task(agent, number), agent) for number in range(100)]
    async with TaskExecutor(registry_for(simulator)) as executor, asyncio.timeout(60):
        running = asyncio.create_task(executor.execute_parallel(tasks, max_concurrent=100))
        await simulator.until_received(100)
        assert simulator.in_flight == 100, "they do not wait for one another"
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


@pytest.mark.parametrize("closes", [True, False])
def test_one_executor_serves_several_event_loops_in_turn(
    monkeypatch: pytest.MonkeyPatch, closes: bool
) -> None:
    """As programs do that call `asyncio.run` for every task."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    executors: list[TaskExecutor] = []
    port = 0

    async def ask_once() -> tuple[str, int]:
        async with Simulator(port=port) as simulator:
            if not executors:
                executors.append(TaskExecutor(registry_for(simulator)))
            result = await executors[0].execute(task(f"my {AgentType.OPENAI_GPT}"))
            if closes:
                await executors[0].aclose()
            return result.status.value, simulator.port

    for _ in range(3):
        with asyncio.Runner() as runner:
            status, port = runner.run(ask_once())
        assert status == "success"
        gc.collect()
