"""An event loop that is late is noticed, and forgiven."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from llmbus.worker.loop_lag import LoopLag
from tests.support.virtual_time import VirtualTimeLoop, run_in_virtual_time


async def test_a_loop_that_is_blocked_lags_by_at_least_what_is_missing() -> None:
    async with LoopLag() as lag:
        await asyncio.sleep(0)  # the probe sleeps its quarter of a second from here
        time.sleep(0.75)  # noqa: ASYNC251  the fault to be measured
        await asyncio.sleep(0.01)
        assert lag.worst >= timedelta(seconds=0.4)


def test_a_lag_is_remembered_for_seconds_and_then_forgotten() -> None:
    async def lags() -> list[timedelta]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        async with LoopLag() as lag:
            await asyncio.sleep(60)
            found = [lag.worst]
            loop.block(9)
            for pause in (5, 60):
                await asyncio.sleep(pause)
                found.append(lag.worst)
            return found

    before, soon, late = run_in_virtual_time(lags())
    assert before == late == timedelta(0)
    assert timedelta(seconds=8.5) < soon <= timedelta(seconds=9)
