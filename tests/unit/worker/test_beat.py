"""A beat goes on while its block runs, and ends with it whatever the action does."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from llmbus.worker.beat import Beat

AT_ONCE = timedelta(0)
PATIENCE_SECONDS = 10.0


class Action:
    """Counts; while `held`, it is under way."""

    def __init__(self) -> None:
        self.count = 0
        self.began = asyncio.Event()
        self.held = asyncio.Event()

    async def hold(self) -> None:
        self.count += 1
        self.began.set()
        await self.held.wait()

    async def hold_and_lose_a_cancellation(self) -> None:
        """As asyncio.wait_for of Python 3.11 does when it comes just as the awaited is done."""
        try:
            await self.hold()
        except asyncio.CancelledError:
            return

    async def fail(self) -> None:
        self.began.set()
        raise RuntimeError("defect")


@pytest.fixture
async def action() -> Action:
    return Action()


async def test_the_action_is_repeated(action: Action) -> None:
    action.held.set()
    async with asyncio.timeout(PATIENCE_SECONDS), Beat(action.hold, AT_ONCE, "beat"):
        while action.count < 3:
            action.began.clear()
            await action.began.wait()


async def test_leaving_cuts_what_is_under_way(action: Action) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), Beat(action.hold, AT_ONCE, "beat"):
        await action.began.wait()
    assert action.count == 1


async def test_leaving_ends_the_beat_even_if_its_cancellation_is_lost(action: Action) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with Beat(action.hold_and_lose_a_cancellation, AT_ONCE, "beat"):
            await action.began.wait()
    assert action.count == 1


async def test_what_the_action_raises_is_raised_at_the_end(action: Action) -> None:
    with pytest.raises(RuntimeError, match="defect"):
        async with asyncio.timeout(PATIENCE_SECONDS), Beat(action.fail, AT_ONCE, "beat"):
            await action.began.wait()
