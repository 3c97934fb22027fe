"""Many tasks at once: bounded, in order, without batches, and none lost to another's error."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmbus.shared import (
    AgentInterface,
    AgentRegistry,
    AgentTask,
    AgentType,
    ExecutionResult,
    ExecutionStatus,
    FailureKind,
)
from tests.support.executor_scene import HeldProvider, OneProvider, Scene, task
from tests.support.failures import failure_kind


def numbered(count: int) -> list[AgentTask]:
    return [AgentTask(f"t{number}", "Title", "Do it.", "gpt-4") for number in range(count)]


def pairs(tasks: list[AgentTask]) -> list[tuple[AgentTask, str | None]]:
    return [(each, "gpt-4") for each in tasks]


async def test_results_come_in_the_order_of_the_input(scene: Scene) -> None:
    results = await scene.executor.execute_parallel(pairs(numbered(20)), max_concurrent=7)
    assert [result.task_id for result in results] == [f"t{number}" for number in range(20)]


async def test_three_run_at_once_unless_the_caller_says_otherwise(registry: AgentRegistry) -> None:
    provider = HeldProvider(expected=3)
    tasks = numbered(10)
    executor = Scene(registry, providers=provider).executor
    running = asyncio.create_task(executor.execute_parallel(pairs(tasks)))
    await provider.all_arrived.wait()
    assert provider.arrived == ["t0", "t1", "t2"]
    provider.release(*(each.task_id for each in tasks))
    await running
    assert provider.most_in_flight == 3


async def test_nobody_waits_for_the_slowest_of_a_batch(registry: AgentRegistry) -> None:
    provider = HeldProvider(expected=1)
    tasks = numbered(10)
    executor = Scene(registry, providers=provider).executor
    provider.release(*(each.task_id for each in tasks[1:]))
    running = asyncio.create_task(executor.execute_parallel(pairs(tasks), max_concurrent=2))
    async with asyncio.timeout(5):
        await provider.here["t9"].wait()
    provider.release("t0")
    results = await running
    assert [result.output for result in results] == [f"t{number}" for number in range(10)]


async def test_hundred_tasks_are_asked_at_once_by_two_executors_on_one_loop(
    registry: AgentRegistry,
) -> None:
    provider = HeldProvider(expected=200)
    executors = [Scene(registry, providers=provider).executor for _ in range(2)]
    running = [
        asyncio.create_task(executor.execute_parallel(pairs(numbered(100)), max_concurrent=100))
        for executor in executors
    ]
    async with asyncio.timeout(15):
        await provider.all_arrived.wait()
    provider.release(*(f"t{number}" for number in range(100)))
    for results in await asyncio.gather(*running):
        assert [result.output for result in results] == [f"t{number}" for number in range(100)]
    assert provider.most_in_flight == 200


async def test_error_of_one_is_its_failed_result(scene: Scene) -> None:
    good, spoilt, unwise = task(), task(), task(hybrid={"agents": []})
    spoilt.title = ""
    scene.registry.register_agent("off", AgentType.CUSTOM, AgentInterface.API, enabled=False)
    results = await scene.executor.execute_parallel(
        [
            (good, "gpt-4"),
            (good, "nobody"),
            (good, "off"),
            (spoilt, "gpt-4"),
            (unwise, "gpt-4"),
            (good, None),
        ]
    )
    assert [result.status.value for result in results] == [
        "success",
        "failed",
        "failed",
        "failed",
        "failed",
        "success",
    ]
    assert [failure_kind(result) for result in results[1:5]] == [
        FailureKind.UNKNOWN_AGENT,
        FailureKind.UNKNOWN_AGENT,
        FailureKind.REJECTED,
        FailureKind.REJECTED,
    ]
    unknown = results[1]
    assert (unknown.agent, unknown.attempts, unknown.duration_seconds) == ("nobody", 0, 0.0)
    assert "'nobody' is not registered" in unknown.error
    assert len(scene.providers.requests) == 2


@pytest.mark.parametrize("most", [0, -1])
async def test_less_than_one_at_once_is_a_value_error(scene: Scene, most: int) -> None:
    with pytest.raises(ValueError, match=f"max_concurrent must be at least 1, not {most}"):
        await scene.executor.execute_parallel(pairs(numbered(2)), max_concurrent=most)
    assert scene.nothing_ran


@pytest.mark.parametrize("stranger", [None, task(), (task(),), (task(), 7), (None, "gpt-4")])
async def test_entry_that_is_no_pair_is_told_before_anything_runs(
    scene: Scene, stranger: Any
) -> None:
    with pytest.raises(ValueError, match=r"each entry must be \(AgentTask, agent name\)"):
        await scene.executor.execute_parallel([(task(), "gpt-4"), stranger])
    assert scene.nothing_ran


async def test_no_tasks_have_no_results(scene: Scene) -> None:
    assert await scene.executor.execute_parallel([]) == []


async def test_cancelling_hangs_up_on_all(registry: AgentRegistry) -> None:
    provider = HeldProvider(expected=5)
    executor = Scene(registry, providers=provider).executor
    running = asyncio.create_task(executor.execute_parallel(pairs(numbered(9)), max_concurrent=5))
    await provider.all_arrived.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(provider.hung_up) == ["t0", "t1", "t2", "t3", "t4"]
    assert (provider.in_flight, len(provider.arrived)) == (0, 5)


async def test_hybrid_race_pays_one_and_hangs_up_on_the_others(registry: AgentRegistry) -> None:
    class Uneven(HeldProvider):
        def get_provider(
            self, agent_type: AgentType | str, model: str | None = None, **kwargs: Any
        ) -> Any:
            if agent_type == AgentType.GOOGLE_GEMINI:
                return OneProvider().get_provider(agent_type, model)
            return super().get_provider(agent_type, model, **kwargs)

    provider = Uneven(expected=1)
    wish = {"strategy": "race", "agents": ["gpt-4", "claude-code", "gemini-pro"]}
    result = await Scene(registry, providers=provider).executor.execute(task(hybrid=wish))
    assert (result.status, result.output, result.agent) == (
        ExecutionStatus.SUCCESS,
        "by the model",
        "gpt-4",
    )
    assert result.metadata["hybrid"]["answered_by"] == "gemini-pro"
    assert (provider.hung_up, provider.in_flight) == (["t1", "t1"], 0)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"agents": ["gpt-4", "nobody"]}, "'nobody' is not registered"),
        ({"agents": ["gpt-4", "gpt-4"]}, "more than once"),
        ({"agents": []}, "is empty"),
        ({"agents": ["gpt-4"], "strategy": "fastest"}, "one of: first_success, race, all"),
    ],
)
async def test_wrong_hybrid_wish_is_a_value_error_before_anybody_is_paid(
    scene: Scene, wish: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        await scene.executor.execute(task(hybrid=wish))
    with pytest.raises(ValueError, match=said):
        await scene.executor.execute(task(hybrid=wish), mode="hybrid")
    assert scene.nothing_ran


async def test_wish_of_a_hybrid_agent_holds_for_its_tasks(scene: Scene) -> None:
    scene.registry.register_agent(
        "both",
        AgentType.CUSTOM,
        AgentInterface.HYBRID,
        metadata={"hybrid": {"strategy": "all", "agents": ["gpt-4", "gemini-pro"]}},
    )
    result: ExecutionResult = await scene.executor.execute(task("both"))
    assert (result.agent, result.attempts) == ("both", 2)
    assert [answer["agent"] for answer in result.metadata["hybrid"]["answers"]] == [
        "gpt-4",
        "gemini-pro",
    ]
    prompts = [request.messages[0]["content"] for request in scene.providers.requests]
    assert ["Agent: gpt-4" in prompts[0], "Agent: gemini-pro" in prompts[1]] == [True, True]
