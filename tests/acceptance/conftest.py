"""A deployment of each test's own, on the real services of this run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmbus.shared.settings import BusSettings
from tests.acceptance.deployment import Deployment, HeldOpenAi, environment_for
from tests.support.programs import Programs


@pytest.fixture
async def deployment(
    bus_settings: BusSettings, redis_url: str, key_prefix: str, tmp_path: Path
) -> AsyncIterator[Deployment]:
    settings = bus_settings.model_copy(update={"prefix": key_prefix})
    async with Programs(environment_for(settings, redis_url, key_prefix)) as programs:
        yield Deployment(settings, programs, tmp_path)


@pytest.fixture
async def openai() -> AsyncIterator[HeldOpenAi]:
    async with HeldOpenAi() as server:
        yield server
        server.gate.set()
