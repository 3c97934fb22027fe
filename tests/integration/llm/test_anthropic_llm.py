"""What `AnthropicLlm` sends, and what it makes of what comes back, over real sockets."""

import asyncio
import logging
import pickle
import traceback
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions import (
    BaseLlm,
    LlmFactory,
    LlmReply,
    LlmRequest,
)
from llmbus.worker.llm_abstractions.anthropic.llm import AnthropicLlm
from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    MissingApiKeyError,
    ProviderUnavailableError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules
from llmbus.worker.provider_simulator import (
    WRONG_KEY,
    Behaviour,
    Body,
    Connection,
    Simulator,
    fingerprint,
)
from tests.support.llm_calls import MESSAGES, REQUEST, failure_of, read_stream, simulated_anthropic

KEY = "sk-ant-integration-0123456789"
NOTHING_LISTENS = "http://127.0.0.1:1"


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with simulated_anthropic(monkeypatch, KEY) as simulator:
        yield simulator


@pytest.fixture
def llm(simulator: Simulator) -> BaseLlm:
    assert not simulator.received
    return LlmFactory.get_provider("anthropic-claude")


async def test_request_is_sent_as_the_api_wants_it(simulator: Simulator, llm: BaseLlm) -> None:
    await llm.generate(LlmRequest(messages=MESSAGES, max_tokens=50, temperature=0.2))
    (received,) = simulator.received
    assert received.body == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello?"}]}],
    }
    assert received.key == fingerprint(KEY)
    assert received.headers["anthropic-version"] == "2026-10-21"


async def test_answer_comes_back_with_all_that_is_known(simulator: Simulator, llm: BaseLlm) -> None:
    simulator.script(
        Behaviour(text="Paris.", thinking=True, usage={"input": 15, "cached": 5, "output": 9})
    )
    reply = await llm.generate(REQUEST)
    assert (reply.text, reply.finish_reason, reply.endpoint) == ("Paris.", "stop", "messages")
    assert (reply.provider, reply.model) == ("anthropic-claude", "claude-sonnet-5-5")
    assert reply.request_id
    assert len(reply.thinking) == 1
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.cached_tokens) == (15, 5)
    assert reply.usage.output_tokens == 9


async def test_stream_ends_in_the_same_reply(simulator: Simulator, llm: BaseLlm) -> None:
    simulator.default = Behaviour(text="Paris is the capital of France.", thinking=True)
    whole = await llm.generate(REQUEST)
    text, reply = await read_stream(llm)
    assert text == reply.text == whole.text
    assert (reply.usage, len(reply.thinking)) == (whole.usage, 1)
    assert reply.request_id
    assert simulator.received[1].body["stream"] is True


@pytest.mark.parametrize("model", ["claude-sonnet-4-5-20250929", "claude-haiku-4-5"])
async def test_sampling_goes_out_under_the_older_api_version(model: str) -> None:
    def before_they_retire() -> date:
        return date(2026, 11, 22)

    rules = ModelRules(today=before_they_retire)
    async with Simulator(today=before_they_retire) as simulator:
        llm = AnthropicLlm(model, api_key=KEY, api_endpoint=simulator.anthropic_url, rules=rules)
        await llm.generate(LlmRequest(messages=MESSAGES, temperature=0.2))
        await llm.aclose()
        (received,) = simulator.received
    assert (received.body["model"], received.body["max_tokens"]) == (model, 4_096)
    assert received.body["temperature"] == 0.2
    assert received.headers["anthropic-version"] == "2023-06-01"


@pytest.mark.parametrize("model", AnthropicLlm.SUPPORTED_MODELS)
async def test_every_known_model_is_asked_as_it_wants(simulator: Simulator, model: str) -> None:
    llm = AnthropicLlm(model, api_key=KEY)
    request = LlmRequest(
        messages=[*MESSAGES, {"role": "assistant", "content": "Well, "}],
        temperature=1.4,
        stop=["END"],
        options={"thinking": {"type": "disabled"}, "top_p": 0.9, "seed": 1},
    )
    await llm.generate(request)
    assert [received.status for received in simulator.received] == [200]


@pytest.mark.parametrize("endpoint", [NOTHING_LISTENS, "http://no-such-host.invalid"])
async def test_address_where_nobody_answers_is_worth_another_try(
    simulator: Simulator, endpoint: str
) -> None:
    llm = LlmFactory.get_provider("anthropic-claude", api_endpoint=endpoint)
    error = await failure_of(llm)
    assert (type(error), error.sent) == (ProviderUnavailableError, False)
    assert not simulator.received


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1", "http://127.0.0.1:eighty"])
async def test_address_that_is_none_is_not(simulator: Simulator, endpoint: str) -> None:
    error = await failure_of(LlmFactory.get_provider("anthropic-claude", api_endpoint=endpoint))
    assert (type(error), error.sent) == (RequestRejectedError, False)
    assert not simulator.received


async def test_endpoint_given_comes_before_the_environment(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", NOTHING_LISTENS)
    llm = LlmFactory.get_provider("anthropic-claude", api_endpoint=simulator.anthropic_url)
    assert (await llm.generate(REQUEST)).text
    await llm.aclose()


async def test_cancelled_call_hangs_up_and_the_next_one_works(
    simulator: Simulator, llm: BaseLlm
) -> None:
    simulator.script(Behaviour(connection=Connection.HUNG))
    call = asyncio.create_task(llm.generate(REQUEST))
    await simulator.until_received(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await llm.generate(REQUEST)).text


async def test_calls_run_side_by_side_on_one_client(simulator: Simulator) -> None:
    simulator.default = Behaviour(latency_seconds=0.5)
    models = [LlmFactory.get_provider("anthropic-claude") for _ in range(150)]
    replies = await asyncio.gather(*(llm.generate(REQUEST) for llm in models))
    assert {type(reply) for reply in replies} == {LlmReply}
    assert simulator.most_in_flight > 120


@pytest.mark.parametrize("content", [object(), "\ud800"])
async def test_message_that_cannot_be_written_is_refused_unsent(
    simulator: Simulator, llm: BaseLlm, content: Any
) -> None:
    error = await failure_of(llm, LlmRequest(messages=[{"role": "user", "content": content}]))
    assert (type(error), error.sent) == (RequestRejectedError, False)
    assert not simulator.received


async def test_wrong_key_is_an_account_error(simulator: Simulator) -> None:
    llm = LlmFactory.get_provider("anthropic-claude", api_key=WRONG_KEY)
    assert type(await failure_of(llm)) is AccountError
    assert simulator.received[0].status == 401


def test_no_key_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(MissingApiKeyError, match="ANTHROPIC_API_KEY"):
        LlmFactory.get_provider(AgentType.ANTHROPIC_CLAUDE)
    with pytest.raises(MissingApiKeyError, match="ANTHROPIC_API_KEY"):
        AnthropicLlm(api_key="")
    with pytest.raises(AccountError, match="no HTTP header"):
        AnthropicLlm(api_key="sk-\n")


async def test_key_shows_up_nowhere(
    simulator: Simulator, llm: BaseLlm, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.script(
        Behaviour(status=401, message=f"invalid x-api-key: {KEY}"),
        Behaviour(connection=Connection.CLOSED),
        Behaviour(body=Body.HTML),
    )
    with caplog.at_level(logging.DEBUG):
        errors = [await failure_of(llm) for _ in range(3)]
    for error in errors:
        shown = "".join(traceback.format_exception(error))
        assert KEY not in f"{shown} {error!r} {vars(error)} {error.to_failure()}"
        assert KEY.encode() not in pickle.dumps(error)
    assert KEY not in repr(llm)
    assert KEY not in caplog.text
