"""The simulator and the real SDKs pointed at it."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from llmbus.worker.provider_simulator import Simulator

KEY = "sk-simulated-0123456789"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def claude(simulator: Simulator) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        api_key=KEY,
        base_url=simulator.anthropic_url,
        max_retries=0,
        http_client=anthropic.DefaultAioHttpClient(),
    ) as client:
        yield client


@pytest.fixture
async def gpt(simulator: Simulator) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        api_key=KEY,
        base_url=simulator.openai_url,
        max_retries=0,
        http_client=openai.DefaultAioHttpClient(),
    ) as client:
        yield client


@pytest.fixture
async def gemini(simulator: Simulator) -> AsyncIterator[Any]:
    """The SDK's models. Any: parts of their types come from packages that are not installed."""
    options = types.HttpOptions(
        base_url=simulator.gemini_url, retry_options=types.HttpRetryOptions(attempts=1)
    )
    async with genai.Client(api_key=KEY, http_options=options).aio as client:
        yield client.models
