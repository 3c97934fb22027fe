"""A redrive does not flood what is being repaired."""

from __future__ import annotations

import asyncio

import pytest

from llmbus.ops.parking.pace import Pace
from tests.support.virtual_time import run_in_virtual_time


async def moments(per_second: float, turns: int) -> list[float]:
    pace = Pace(per_second)
    passed: list[float] = []
    for _ in range(turns):
        await pace.turn()
        passed.append(asyncio.get_running_loop().time())
    return passed


def test_turns_come_evenly() -> None:
    assert run_in_virtual_time(moments(4, 4)) == pytest.approx([0, 0.25, 0.5, 0.75])


def test_zero_is_without_limit() -> None:
    assert run_in_virtual_time(moments(0, 3)) == [0, 0, 0]


def test_missed_turns_are_not_made_up_for() -> None:
    async def after_a_pause() -> float:
        pace = Pace(1)
        await pace.turn()
        await asyncio.sleep(10)
        await pace.turn()
        await pace.turn()
        return asyncio.get_running_loop().time()

    assert run_in_virtual_time(after_a_pause()) == pytest.approx(11)
