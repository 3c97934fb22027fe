"""The executor interface over the bus: publish, and wait."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from llmbus.producer import BusExecutor, DurableExecution
from llmbus.shared import AgentInterface, AgentType, ExecutionStatus, FailureKind
from llmbus.shared.bus.interface import Bus
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task
from tests.contracts.path.test_orchestrator_restart import waiting_results


async def test_task_is_run_by_a_worker_and_its_result_is_taken(scene: Scene, bus: Bus) -> None:
    async with scene.producer() as producer, scene.worker():
        result = await BusExecutor(producer).execute(task())
    assert (result.status, result.agent) == (ExecutionStatus.SUCCESS, "gpt-4")
    assert scene.providers.calls == {"t1": 1}
    assert await waiting_results(bus, scene) == 0


async def test_agent_is_the_argument_else_that_of_the_task_else_the_default(scene: Scene) -> None:
    unnamed = task("unnamed")
    unnamed.agent = ""
    async with (
        scene.producer() as producer,
        scene.worker(lanes="openai-gpt,google-gemini,anthropic-claude", concurrency=3),
    ):
        executor = BusExecutor(producer)
        named = task("named")
        results = [
            await executor.execute(named, "gemini-pro"),
            await executor.execute(task("own")),
            await executor.execute(unnamed),
        ]
    assert [result.agent for result in results] == ["gemini-pro", "gpt-4", "claude-code"]
    assert named.agent == "gpt-4"


async def test_wrong_call_is_a_value_error_and_nothing_is_sent(scene: Scene) -> None:
    async with scene.producer() as producer, scene.worker():
        executor = BusExecutor(producer)
        producer.registry.disable_agent("gemini-pro")
        hybrid = task(metadata={"hybrid": {"strategy": "race", "agents": ["gpt-4", "nobody"]}})
        with pytest.raises(ValueError, match="'nobody' is not registered"):
            await executor.execute(task(), "nobody")
        with pytest.raises(ValueError, match="'gemini-pro' is disabled"):
            await executor.execute(task(), "gemini-pro")
        with pytest.raises(ValueError, match="mode 'telepathic' is unknown"):
            await executor.execute(task(), mode="telepathic")
        with pytest.raises(ValueError, match="'nobody' is not registered"):
            await executor.execute(hybrid)
    assert scene.providers.calls == {}


async def test_interactive_is_answered_here_with_the_command(scene: Scene) -> None:
    async with scene.producer() as producer:
        result = await BusExecutor(producer).execute(task(), "claude-code", "interactive")
    assert (result.status, result.output) == (
        ExecutionStatus.PENDING,
        "Use claude subagent to Title of t1",
    )
    assert result.metadata == {
        "execution_mode": "interactive",
        "requires_implementation": True,
        "command": result.output,
    }


async def test_what_goes_wrong_on_the_way_is_a_failed_result(scene: Scene) -> None:
    late = task("late", deadline=datetime.now(UTC) - timedelta(seconds=1))
    large = task("large", description="x" * (9 * 1024 * 1024))
    async with scene.producer() as producer:
        executor = BusExecutor(producer)
        results = [await executor.execute(each) for each in (late, large)]
    results.append(await executor.execute(task("closed")))
    kinds = [result.failure.kind for result in results if result.failure]
    assert kinds == [FailureKind.EXPIRED, FailureKind.REJECTED, FailureKind.UNAVAILABLE]
    assert {result.status for result in results} == {ExecutionStatus.FAILED}
    assert "deadline" in results[0].error


async def test_parallel_is_bounded_and_keeps_the_order(scene: Scene) -> None:
    scene.providers.gate.clear()
    async with scene.producer() as producer, scene.worker(concurrency=10):
        executor = BusExecutor(producer)
        tasks = [(task(f"t{number}"), None) for number in range(7)]
        running = asyncio.create_task(executor.execute_parallel([*tasks, (task("bad"), "nobody")]))
        while len(scene.providers.order) < 3:  # noqa: ASYNC110 - the provider sets no Event
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # time for a fourth, if there were no bound
        assert len(scene.providers.order) == 3
        scene.providers.gate.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            results = await running
    assert [result.task_id for result in results] == [*(f"t{n}" for n in range(7)), "bad"]
    assert results[-1].failure is not None
    assert results[-1].failure.kind is FailureKind.UNKNOWN_AGENT
    with pytest.raises(ValueError, match="max_concurrent"):
        await executor.execute_parallel([], max_concurrent=0)


async def test_hybrid_asks_each_agent_by_a_task_of_its_own(scene: Scene, bus: Bus) -> None:
    wish = {"strategy": "all", "agents": ["gpt-4", "gemini-pro"]}
    async with (
        scene.producer() as producer,
        scene.worker(lanes="openai-gpt,google-gemini"),
    ):
        result = await BusExecutor(producer).execute(task(metadata={"hybrid": wish}))
    assert (result.task_id, result.status) == ("t1", ExecutionStatus.SUCCESS)
    assert scene.providers.calls == {"t1.gpt-4": 1, "t1.gemini-pro": 1}
    assert await waiting_results(bus, scene) == 0


async def test_hybrid_agent_asks_in_turn_until_one_succeeds(scene: Scene) -> None:
    failure = {"kind": "rejected", "message": "no"}
    async with (
        scene.producer() as producer,
        scene.worker(lanes="openai-gpt,google-gemini"),
    ):
        producer.registry.register_agent(
            "both",
            AgentType.CUSTOM,
            AgentInterface.HYBRID,
            metadata={"hybrid": {"agents": ["gpt-4", "gemini-pro"]}},
        )
        good = await BusExecutor(producer).execute(task(agent="both"))
        bad = await BusExecutor(producer).execute(
            task("t2", agent="both", script={"failures": [failure, failure]})
        )
    assert good.status is ExecutionStatus.SUCCESS
    assert bad.status is ExecutionStatus.FAILED
    assert scene.providers.calls == {"t1.gpt-4": 1, "t2.gpt-4": 1, "t2.gemini-pro": 1}


async def test_executor_is_one_that_outlives_its_process(scene: Scene) -> None:
    async with scene.producer("me") as producer:
        executor = BusExecutor(producer)
        assert isinstance(executor, DurableExecution)
        assert executor.address == "me"
