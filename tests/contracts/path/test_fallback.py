"""What goes to the fallback and what does not, row by row of the table in docs/operations.md."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from llmbus.shared import AgentTask, ExecutionResult, ExecutionStatus
from llmbus.shared.bus.interface import Bus
from llmbus.shared.ladder import RetryLadder
from llmbus.shared.parking import stay_of
from llmbus.shared.topology import Layout
from llmbus.worker.events import MessageParked, TaskRetried, TaskSentToFallback
from tests.contracts.path.fallback_situations import Stage
from tests.contracts.path.fallback_table import ROWS, Goal, Row, Situation
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task
from tests.support.failures import failure_kind
from tests.support.script_folder import GOOD, ScriptFolder
from tests.support.waiting import Collected


def _every_situation() -> Iterator[Any]:
    for row in ROWS:
        for situation in row.situations:
            for transport in situation.transports:
                name = f"{situation.name}-{transport}".replace(" ", "-")
                yield pytest.param(transport, row, situation, id=name)


every_situation = pytest.mark.parametrize(
    ("transport", "row", "situation"), list(_every_situation()), indirect=["transport"]
)


@pytest.fixture
def folder(tmp_path: Path) -> ScriptFolder:
    folder = ScriptFolder(tmp_path)
    folder.write(GOOD)
    return folder


@every_situation
async def test_task_goes_where_the_table_says(
    scene: Scene, bus: Bus, folder: ScriptFolder, row: Row, situation: Situation
) -> None:
    delays = tuple(timedelta(seconds=seconds) for seconds in situation.delays_seconds)
    scene.layout = Layout(ladder=RetryLadder(delays))
    parked = Collected()
    await bus.consume(scene.layout.parking_queue, 10, parked)
    providers = situation.providers() if situation.providers else None
    async with (
        scene.store,
        scene.producer() as producer,
        scene.worker(worker_id="direct", providers=providers, **situation.settings),
        scene.fallback(folder.settings(), worker_id="fallback"),
    ):
        await situation.bring(Stage(scene, bus, producer), _task(situation))
        result = None
        if row.goal is not Goal.PARKED:
            result = await producer.expect("t1").wait(PATIENCE_SECONDS)
        if row.goal in (Goal.PARKED, Goal.FAILED_AND_PARKED):
            await parked.wait_for(1)
            await scene.events.wait_for(MessageParked)
    _judge(scene, folder, row, situation, result)
    assert len(parked.deliveries) == (row.goal in (Goal.PARKED, Goal.FAILED_AND_PARKED))
    for delivery in parked.deliveries:
        assert stay_of(delivery.message).reason
        assert stay_of(delivery.message).failure == (result and result.failure)


def _task(situation: Situation) -> AgentTask:
    fields = dict(situation.task)
    if situation.seconds_left is not None:
        fields["deadline"] = datetime.now(UTC) + timedelta(seconds=situation.seconds_left)
    return task(**fields)


def _judge(
    scene: Scene,
    folder: ScriptFolder,
    row: Row,
    situation: Situation,
    result: ExecutionResult | None,
) -> None:
    by_script = row.goal in (Goal.FALLBACK, Goal.UNASKED)
    assert folder.noted() == ["t1"] * by_script
    if row.goal is Goal.UNASKED:
        assert not scene.providers.calls
    assert bool(scene.events.of(TaskRetried)) >= (row.goal is Goal.RETRY)
    told = [event.fallback_reason for event in scene.events.of(TaskSentToFallback)]
    assert told == [row.reason] * (by_script and row.reason != "dead_lettered")
    if result is None:
        return
    statuses = {Goal.FALLBACK, Goal.UNASKED, Goal.RETRY}
    if row.goal in statuses:
        assert result.status is ExecutionStatus.SUCCESS
    elif row.goal is Goal.CANCELLED:
        assert result.status is ExecutionStatus.CANCELLED
    else:
        assert failure_kind(result) is situation.kind
    assert result.attempts == situation.attempts
    assert result.metadata.get("fallback_reason", "") == row.reason or not by_script
    if by_script:
        assert result.output == "by the script"
        assert result.metadata["execution_mode"] == "subprocess"
        assert result.metadata["exit_code"] == 0
        assert result.worker_id == "fallback"
