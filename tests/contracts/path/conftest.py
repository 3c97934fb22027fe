"""The whole path, from a producer to a worker and back, on every transport."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from llmbus.shared.bus.interface import Bus
from tests.contracts.bus.transports import Transport
from tests.contracts.path.scene import Scene


@pytest.fixture
def scene(transport: Transport) -> Scene:
    return Scene(transport)


@pytest.fixture
async def bus(scene: Scene) -> AsyncIterator[Bus]:
    """A connection of the test's own, with everything declared."""
    async with scene.new_bus() as bus:
        await bus.declare(scene.layout.for_tasks(["openai-gpt"]))
        yield bus
