"""Waiting for what must happen, with a deadline, and for what must not."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

import pytest

from llmbus.shared.bus.interface import Delivery

DEADLINE_SECONDS = 15.0
POLL_SECONDS = 0.02


async def eventually(
    condition: Callable[[], Awaitable[bool]], what: str, *, seconds: float = DEADLINE_SECONDS
) -> None:
    """Return as soon as the condition holds; fail the test if it does not in time."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - a broker's state sets no Event
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        pytest.fail(f"not within {seconds} s: {what}")


class Collected:
    """An `OnDelivery` that keeps what it is given, in order."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self._arrived = asyncio.Event()

    def __call__(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        self._arrived.set()

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.message.body for delivery in self.deliveries]

    async def wait_for(self, count: int, *, seconds: float = DEADLINE_SECONDS) -> list[Delivery]:
        """The first `count` deliveries, once they are there."""
        await self._until(lambda: len(self.deliveries) >= count, f"{count} deliveries", seconds)
        return self.deliveries[:count]

    async def wait_for_each(self, bodies: Collection[bytes]) -> None:
        """Return when every one of these bodies has come at least once."""
        await self._until(lambda: set(bodies) <= set(self.bodies), f"{bodies}", DEADLINE_SECONDS)

    async def stays_at(self, count: int, *, seconds: float = 0.1) -> None:
        """Fail if more than `count` have come, or come within the time that a delivery needs.

        A delivery takes milliseconds here, so one that is still out after this time is not coming.
        """
        await asyncio.sleep(seconds)
        assert len(self.deliveries) == count

    async def _until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            pytest.fail(f"not within {seconds} s: {what}; what came: {self.deliveries}")
