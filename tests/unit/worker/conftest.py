"""An agent registry that finds no key in the environment, and an executor on it."""

from __future__ import annotations

import pytest

from llmbus.shared import AgentRegistry
from tests.support.executor_scene import Scene


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> AgentRegistry:
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    return AgentRegistry()


@pytest.fixture
def scene(registry: AgentRegistry) -> Scene:
    return Scene(registry)
