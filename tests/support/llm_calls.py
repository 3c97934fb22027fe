"""Asking a provider in a test: a plain request, and what comes of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from llmbus.worker.llm_abstractions import (
    BaseLlm,
    LlmError,
    LlmFactory,
    LlmReply,
    LlmRequest,
    TextDelta,
)
from llmbus.worker.provider_simulator import Simulator

__all__ = ["MESSAGES", "REQUEST", "failure_of", "read_stream", "simulated_anthropic"]

MESSAGES: Final = [{"role": "user", "content": "Hello?"}]
REQUEST: Final = LlmRequest(messages=MESSAGES)


@asynccontextmanager
async def simulated_anthropic(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> AsyncGenerator[Simulator]:
    """An Anthropic that `ANTHROPIC_BASE_URL` points to, with a key set."""
    async with Simulator() as simulator:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.anthropic_url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
        yield simulator
        await LlmFactory.aclose()


async def failure_of(llm: BaseLlm, request: LlmRequest = REQUEST) -> LlmError:
    """The error with which `generate` ends; it has to."""
    with pytest.raises(LlmError) as caught:
        await llm.generate(request)
    return caught.value


async def read_stream(llm: BaseLlm, request: LlmRequest = REQUEST) -> tuple[str, LlmReply]:
    """The streamed text put together, and the reply at its end."""
    *pieces, last = [item async for item in llm.stream(request)]
    assert isinstance(last, LlmReply)
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)), last
