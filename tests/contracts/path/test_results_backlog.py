"""Thousands of results that nobody takes must not stand in the way of the one that is awaited."""

from __future__ import annotations

import logging

import pytest

from llmbus.producer.inbox import PREFETCH
from llmbus.shared.bus.interface import Bus
from llmbus.worker.events import TaskFinished
from tests.contracts.bus.traffic import until_ready
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task
from tests.support.waiting import eventually

MANY = PREFETCH + 200


async def until_left(bus: Bus, scene: Scene, count: int) -> None:
    """Nobody listens any more, and the broker has taken back what was not taken."""
    await until_ready(bus, count, scene.layout.results_queue("orchestrator"))


async def test_last_of_many_results_arrives_though_none_before_it_is_taken(
    scene: Scene, bus: Bus
) -> None:
    async with scene.producer() as producer, scene.worker(concurrency=200):
        handles = await producer.submit_many(task(f"t{n}") for n in range(MANY))
        last = await handles[-1].wait(PATIENCE_SECONDS)
        others = [await handle.wait(PATIENCE_SECONDS) for handle in handles[:-1]]
    assert last.task_id == f"t{MANY - 1}"
    assert {other.task_id for other in others} == {f"t{n}" for n in range(MANY - 1)}
    await until_left(bus, scene, 0)


async def test_results_without_a_handle_stay_in_the_queue_and_are_told_of_once(
    scene: Scene, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "llmbus.producer")
    async with scene.producer() as producer:
        await producer.submit_many(task(f"t{n}") for n in range(MANY))
    async with scene.worker(concurrency=200):
        await scene.events.wait_for(TaskFinished, MANY)

    def told() -> list[str]:
        return [each.message for each in caplog.records if each.name == "llmbus.producer"]

    async def it_was_told() -> bool:
        return bool(told())

    async with scene.producer() as producer:
        await eventually(it_was_told, "the backlog is told of")
        results = aiter(producer.results())
        taken = {(await anext(results)).task_id for _ in range(10)}
    assert len(taken) == 10
    assert told() == ["results_unclaimed"]
    await until_left(bus, scene, MANY - 10)
