"""A stall is seen when it is over; an event loop that is merely asked often is none."""

from __future__ import annotations

import asyncio
import time

from tests.faults.environment import CLAIM_SECONDS
from tests.faults.stalls import report_stalls


async def test_an_event_loop_that_was_blocked_is_reported() -> None:
    reported: asyncio.Queue[int] = asyncio.Queue()
    watch = asyncio.create_task(report_stalls(reported.put_nowait))
    await asyncio.sleep(0)  # it has begun to look
    time.sleep(CLAIM_SECONDS)  # noqa: ASYNC251  the stall itself
    async with asyncio.timeout(10):
        milliseconds = await reported.get()
    watch.cancel()
    assert milliseconds >= 1000 * CLAIM_SECONDS / 2
