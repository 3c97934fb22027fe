"""The real SDK against a server on loopback."""

from collections.abc import AsyncIterator

import pytest

from llmbus.worker.llm_abstractions import BaseLlm, LlmFactory
from tests.support.openai_server import OpenAiServer

KEY = "sk-integration-0123456789"


@pytest.fixture
async def openai_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAiServer]:
    """An OpenAI that `OPENAI_BASE_URL` points to, with a key set."""
    async with OpenAiServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield server
        await LlmFactory.aclose()


@pytest.fixture
def llm(openai_server: OpenAiServer) -> BaseLlm:
    return LlmFactory.get_provider("openai-gpt")
