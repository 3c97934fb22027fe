"""The suite sees the processes of scripts end, strikes the right one, and finds what is left."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.gatekeeper import Reached
from tests.faults.history import Fact, History
from tests.faults.scripts import Scripts
from tests.faults.steps import Step

PATIENCE_SECONDS = 10.0
STANDS_STILL = "print(flush=True); input()"


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with (tmp_path / "history").open("wb") as file:
        yield History(file, lambda: 1.0)


async def a_process_at(home: Path) -> Process:
    """It runs until it is ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", STANDS_STILL),
        stdin=PIPE,
        stdout=PIPE,
        env={"HOME": str(home)},
    )
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def ended(process: Process) -> int:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await process.wait()


def begun(process: Process, task: str) -> Reached:
    return Reached(Step.SCRIPT, "f1", task, 1, process.pid)


async def test_the_script_that_is_struck_is_that_of_the_task_and_its_end_is_seen(
    tmp_path: Path, history: History
) -> None:
    with Scripts(tmp_path, history) as scripts:
        first = await a_process_at(scripts.homes / "first")
        other = await a_process_at(scripts.homes / "other")
        scripts.watch(begun(first, "t1"))
        scripts.watch(begun(other, "t2"))
        scripts.send("t1", signal.SIGKILL)
        assert await ended(first) == -signal.SIGKILL
        assert await history.until(lambda: bool(history.events), PATIENCE_SECONDS)
        assert other.returncode is None
    assert [(event.fact, event.number) for event in history.events] == [
        (Fact.SCRIPT_ENDED, first.pid)
    ]
    assert await ended(other) == -signal.SIGKILL, "left to whoever comes after the run"


async def test_what_is_left_of_a_script_is_found_by_its_home(
    tmp_path: Path, history: History
) -> None:
    with Scripts(tmp_path, history) as scripts:
        await scripts.look_for_left_overs(0)
        assert history.events == [], "nothing is left, or what is not a script's is found"
        left = await a_process_at(scripts.homes / "one")
        await scripts.look_for_left_overs(0)
    assert [(event.fact, event.number) for event in history.events] == [
        (Fact.LEFT_BEHIND, left.pid)
    ]
    assert await ended(left) == -signal.SIGKILL


async def test_a_script_with_another_home_is_told_for_its_left_overs_would_not_be_found(
    tmp_path: Path, history: History
) -> None:
    elsewhere = await a_process_at(tmp_path / "elsewhere")
    with Scripts(tmp_path, history) as scripts:
        scripts.watch(begun(elsewhere, "t1"))
    elsewhere.kill()
    await ended(elsewhere)
    assert [event.fact for event in history.events] == [Fact.UNEXPECTED_OUTPUT]


async def test_a_script_that_ended_before_it_could_be_watched_has_ended(
    tmp_path: Path, history: History
) -> None:
    with Scripts(tmp_path, history) as scripts:
        gone = await a_process_at(scripts.homes / "one")
        gone.kill()
        await ended(gone)
        scripts.watch(begun(gone, "t1"))
        scripts.send("t1", signal.SIGKILL)
        scripts.kill_guard("t1")
    assert [event.fact for event in history.events] == [Fact.SCRIPT_ENDED]
