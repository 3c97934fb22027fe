"""A worker on a bus in memory that goes wrong, in virtual time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import pytest

from llmbus.producer import Producer
from llmbus.shared import AgentTask
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.clock import SystemClock
from llmbus.shared.store.memory import MemoryStore
from llmbus.shared.topology import Layout
from llmbus.worker import Surroundings, Worker, WorkerSettings
from llmbus.worker.llm_abstractions import Script, ScriptedProviders
from tests.support.virtual_time import VirtualTimeLoop, run_in_virtual_time

LANE = "openai-gpt"
QUEUE = Layout().lane_queue(LANE)
SLOW = ScriptedProviders(default=Script(latency_seconds=3.0))


class Stage:
    """One broker, one store and one worker."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.store = MemoryStore(SystemClock())
        self.worker = Worker(
            WorkerSettings(lanes=(LANE,), concurrency=2, grace_seconds=100.0),
            Surroundings(MemoryBus(self.broker), self.store, SLOW),
        )

    def producer(self) -> Producer:
        return Producer("o", bus=MemoryBus(self.broker))

    @property
    def consumers(self) -> int:
        depth = self.broker.depth(QUEUE)
        assert depth is not None
        return depth.consumers


def tasks(count: int) -> list[AgentTask]:
    return [AgentTask(f"t{n}", "Title", "Say hello.", agent="gpt-4") for n in range(count)]


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def run(main: Coroutine[Any, Any, None], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "llmbus.worker")
    run_in_virtual_time(main)


def test_results_wait_for_the_end_of_an_alarm_and_nothing_is_taken_meanwhile(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        stage = Stage()
        health = stage.worker.health
        async with stage.worker, stage.producer() as producer:
            handles = await producer.submit_many(tasks(6))
            stage.broker.alarm.begin()
            await asyncio.sleep(4.0)
            assert list(health.not_ready) == []
            await asyncio.sleep(4.0)
            assert list(health.not_ready) == ["publishing_blocked"]
            assert list(health.not_live) == []
            assert stage.consumers == 0
            [entry] = await stage.store.workers()
            assert list(entry.not_ready) == ["publishing_blocked"]
            await asyncio.sleep(600)
            assert not any(handle.done() for handle in handles)
            assert caplog.text.count("task_started") == 2
            stage.broker.alarm.end()
            results = [await handle.wait(60) for handle in handles]
            assert list(health.not_ready) == []
            assert stage.consumers == 1
        assert {result.attempts for result in results} == {1}

    run(main(), caplog)
    said = events(caplog)
    assert said.count("task_started") == said.count("task_finished") == 6
    assert said.count("intake_paused") == said.count("intake_resumed") == 1


def test_a_short_alarm_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        stage = Stage()
        async with stage.worker:
            for _ in range(5):
                stage.broker.alarm.begin()
                await asyncio.sleep(4.0)
                stage.broker.alarm.end()
                await asyncio.sleep(1.0)
                assert stage.consumers == 1

    run(main(), caplog)
    assert "intake_paused" not in events(caplog)


def test_a_worker_drains_in_an_alarm_and_keeps_what_is_paid(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        stage = Stage()
        async with stage.producer() as producer:
            async with stage.worker:
                handles = await producer.submit_many(tasks(2))
                await asyncio.sleep(1.0)
                stage.broker.alarm.begin()
                await asyncio.sleep(30.0)
                asyncio.get_running_loop().call_later(20.0, stage.broker.alarm.end)
            for handle in handles:
                await handle.wait(60)

    run(main(), caplog)
    stages = [
        record.__dict__["fields"]["stage"]
        for record in caplog.records
        if record.getMessage() == "drain_stage"
    ]
    assert stages == ["intake_stopped", "grace_over", "settled"]
    assert "task_interrupted" not in events(caplog)


def test_a_consumer_that_the_broker_has_forgotten_is_subscribed_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        stage = Stage()
        async with stage.worker, stage.producer() as producer:
            stage.broker.forget_consumers(QUEUE)
            handle = (await producer.submit_many(tasks(1)))[0]
            await handle.wait(60)
            await asyncio.sleep(30)
            assert list(stage.worker.health.not_ready) == []

    run(main(), caplog)
    assert events(caplog).count("consumer_missing") == 1


def test_a_worker_that_stays_deaf_is_not_ready_and_after_minutes_not_live(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        stage = Stage()
        health = stage.worker.health
        async with stage.worker:
            for second in range(150):
                await asyncio.sleep(1.0)
                stage.broker.forget_consumers(QUEUE)
                if second == 60:
                    assert (health.not_ready, health.not_live) == (("not_consuming",), ())
            assert list(health.not_live) == ["not_consuming"]
            await asyncio.sleep(30.0)
            assert list(health.not_ready + health.not_live) == []

    run(main(), caplog)


def test_a_broker_that_is_away_makes_not_ready_and_never_not_live(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        stage = Stage()
        health = stage.worker.health
        async with stage.worker, stage.producer() as producer:
            handles = await producer.submit_many(tasks(2))
            await asyncio.sleep(1.0)
            stage.broker.pause()
            await asyncio.sleep(600.0)
            assert (health.not_ready, health.not_live) == (("disconnected",), ())
            stage.broker.resume()
            for handle in handles:
                await handle.wait(60)
            assert list(health.not_ready) == []

    run(main(), caplog)
    assert events(caplog).count("task_started") == 2


def test_a_loop_that_lags_makes_not_ready_until_it_has_recovered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        stage = Stage()
        async with stage.worker:
            await asyncio.sleep(1.0)
            loop.block(6.0)
            await asyncio.sleep(1.0)
            assert list(stage.worker.health.not_ready) == ["event_loop_lag"]
            await asyncio.sleep(15.0)
            assert list(stage.worker.health.not_ready) == []

    run(main(), caplog)
