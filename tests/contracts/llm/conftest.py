"""`subject` is each provider in turn; `remote` each that talks to a server."""

from collections.abc import AsyncIterator

import pytest

from llmbus.worker.llm_abstractions import LlmFactory
from llmbus.worker.provider_simulator import Simulator
from tests.contracts.llm.legacy_gemini import LegacyGeminiSubject
from tests.contracts.llm.subjects import (
    CONTEXT_TOKENS,
    RemoteSubject,
    ScriptedSubject,
    SimulatedSubject,
    Subject,
)
from tests.support.gemini_grpc import GeminiGrpcServer

REMOTE = {
    "openai-chat": ("openai-gpt", "gpt-4o"),
    "openai-responses": ("openai-gpt", "gpt-6-luna"),
    "custom": ("custom", "a-model"),
    "meta-llama": ("meta-llama", "a-llama"),
    "anthropic": ("anthropic-claude", "claude-sonnet-5-5"),
    "gemini": ("google-gemini", "gemini-3.8-flash"),
}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(context_tokens=CONTEXT_TOKENS) as simulator:
        yield simulator
        await LlmFactory.aclose()


@pytest.fixture
async def gemini_grpc() -> AsyncIterator[GeminiGrpcServer]:
    async with GeminiGrpcServer() as server:
        yield server
        await LlmFactory.aclose()


@pytest.fixture(params=["scripted", *REMOTE, "gemini-legacy"])
def subject(request: pytest.FixtureRequest) -> Subject:
    """Each provider in turn."""
    return ScriptedSubject() if request.param == "scripted" else _remote(request)


@pytest.fixture(params=[*REMOTE, "gemini-legacy"])
def remote(request: pytest.FixtureRequest) -> RemoteSubject:
    """Each provider that talks to a server."""
    return _remote(request)


def _remote(request: pytest.FixtureRequest) -> RemoteSubject:
    if request.param == "gemini-legacy":
        return LegacyGeminiSubject(request.getfixturevalue("gemini_grpc"))
    simulator: Simulator = request.getfixturevalue("simulator")
    agent_type, model = REMOTE[request.param]
    address = {
        "anthropic-claude": simulator.anthropic_url,
        "google-gemini": simulator.gemini_url,
    }.get(agent_type, simulator.openai_url)
    return SimulatedSubject(simulator, agent_type, model, address)
