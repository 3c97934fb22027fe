"""One seeded run from the first process to the last."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from llmbus.shared.errors import UnavailableError
from tests.faults.closing import find_left_overs, nothing_waits, read_outputs, stop_programs
from tests.faults.director import Director
from tests.faults.ground import Ground
from tests.faults.history import Event, Fact, History
from tests.faults.plan import Injection, Plan
from tests.faults.progress import all_tasks_ended, nothing_in_hand
from tests.faults.stalls import report_stalls
from tests.faults.world import Course, World

__all__ = ["Finished", "run"]

_WATCHDOG_SECONDS: Final = 90.0
_ALL_ENDED_SECONDS: Final = 40.0
_QUIET_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Finished:
    """What came of a run; the oracle says whether it is right."""

    plan: Plan
    events: tuple[Event, ...]
    history: Path
    seconds: float
    not_reached: tuple[Injection, ...]


async def run(plan: Plan, ground: Ground, folder: Path) -> Finished:
    """Everything it starts has ended when this returns or raises."""
    folder.mkdir(parents=True)  # noqa: ASYNC240  one call, before anything runs
    path = folder / "history.jsonl"
    began = time.monotonic()
    with path.open("wb") as file:
        history = History(file, lambda: time.monotonic() - began)
        course = Course(plan.stops, plan.needs_own_broker, plan.latency_seconds, plan.scripts > 0)
        world = World(ground, history, folder, course)
        director = Director(plan, world)
        try:
            async with world:
                await _conduct_in_time(plan, world, director, ground)
        except Exception as error:  # one run must not end all others; it counts as failed
            history.record(Fact.OUT_OF_TIME, note=f"the suite itself failed: {error!r}")
            await director.stop()
            await ground.repair()
    seconds = time.monotonic() - began
    return Finished(plan, tuple(history.events), path, seconds, tuple(director.not_reached))


async def _conduct_in_time(plan: Plan, world: World, director: Director, ground: Ground) -> None:
    try:
        async with asyncio.timeout(_WATCHDOG_SECONDS):
            await _conduct(plan, world, director)
    except TimeoutError:
        world.history.record(Fact.OUT_OF_TIME, note="the watchdog ended the run")
        await director.stop()
        await ground.repair()


async def _conduct(plan: Plan, world: World, director: Director) -> None:
    history = world.history
    stalls = asyncio.create_task(
        report_stalls(lambda milliseconds: history.record(Fact.STALLED, number=milliseconds))
    )
    try:
        await _from_first_to_last(plan, world, director)
    finally:
        stalls.cancel()


async def _from_first_to_last(plan: Plan, world: World, director: Director) -> None:
    history = world.history
    world.tasks = plan.tasks()
    await asyncio.gather(
        *map(world.start_worker, plan.worker_names), *map(world.start_fallback, plan.fallback_names)
    )
    for task in world.tasks[: plan.scripts]:
        history.record(Fact.DIRECT_OFF, task=task.task_id)
    await director.prepare()
    await world.start_orchestrator(world.tasks)
    wanted = {task.task_id for task in world.tasks}
    if await world.history.until(
        lambda: all_tasks_ended(history.events, wanted), _ALL_ENDED_SECONDS
    ):
        history.record(Fact.ALL_ENDED)
    else:
        history.record(Fact.OUT_OF_TIME, note="not every task has ended")
    await director.healed()
    if not await _quiet(world, director):
        history.record(Fact.OUT_OF_TIME, note="tasks that have ended still go about")
    director.retire()
    await world.scripts.look_for_left_overs()
    await stop_programs(world)
    await find_left_overs(world)
    read_outputs(world)


async def _quiet(world: World, director: Director) -> bool:
    """Wait until nobody holds anything, nothing waits and nothing strikes; False if that does not
    come. What is handed over once more after its end must be dealt with, too."""
    while True:
        await director.healed()
        with suppress(TimeoutError):
            async with asyncio.timeout(_QUIET_SECONDS):
                while director.is_healed:
                    if await _is_quiet(world) and director.is_healed:
                        return True
                    await asyncio.sleep(_LOOK_SECONDS)
        if director.is_healed:
            return False


async def _is_quiet(world: World) -> bool:
    events = world.history.events
    if not nothing_in_hand(events):
        return False
    with suppress(UnavailableError):  # something strikes just now
        return await nothing_waits(world) and nothing_in_hand(events)
    return False
