"""What naive code gets wrong with OpenAI, through the real SDK against a server that refuses what
OpenAI refuses. Each test is one trap."""

from __future__ import annotations

import copy
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmbus.worker.llm_abstractions import BaseLlm, LlmFactory, LlmReply, LlmRequest
from llmbus.worker.llm_abstractions.errors import AnswerRefusedError, OutcomeUnknownError
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules
from llmbus.worker.provider_simulator import Behaviour, Finish, Received, Simulator, Stream
from tests.support.openai_server import Answer, OpenAiServer

KEY = "sk-traps-0123456789"
USER = {"role": "user", "content": "Hello?"}
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        monkeypatch.setenv("OPENAI_BASE_URL", simulator.openai_url)
        yield simulator
        await LlmFactory.aclose()


def llm_of(model: str, **options: Any) -> BaseLlm:
    return LlmFactory.get_provider("openai-gpt", model, api_key=KEY, **options)


async def sent(simulator: Simulator, model: str, **fields: Any) -> Received:
    """What arrives of a request that the service accepts."""
    messages: Any = fields.pop("messages", [USER])
    await llm_of(model).generate(LlmRequest(messages=messages, **fields))
    return simulator.received[-1]


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        ("gpt-4o", True),
        ("gpt-5.2", True),
        ("gpt-5.6-sol", False),
        ("gpt-6-luna", False),
        ("gpt-6.1-sol", False),
        ("gpt-5.2-codex", False),
        ("gpt-unheard-of", False),
    ],
)
async def test_temperature_is_left_out_where_it_is_rejected(
    simulator: Simulator, model: str, taken: bool
) -> None:
    assert ("temperature" in (await sent(simulator, model, temperature=0.2)).body) is taken


async def test_what_is_left_out_is_warned_of_once(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    llm = llm_of("gpt-6-luna", rules=ModelRules())
    with caplog.at_level(logging.WARNING, "llmbus"):
        for _ in range(3):
            await llm.generate(LlmRequest(messages=[USER], temperature=0.2))
    assert [record.message for record in caplog.records] == ["parameter_left_out"]


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("gpt-4o", "max_completion_tokens"),
        ("gpt-5.2", "max_completion_tokens"),
        ("gpt-6-luna", "max_output_tokens"),
        ("gpt-5.2-codex", "max_output_tokens"),
    ],
)
async def test_limit_goes_by_its_right_name(simulator: Simulator, model: str, limit: str) -> None:
    body = (await sent(simulator, model, max_tokens=50)).body
    names = {"max_tokens", "max_completion_tokens", "max_output_tokens"}
    assert names & body.keys() == {limit}


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gpt-4o", CHAT),
        ("gpt-5.2", CHAT),
        ("gpt-5.2-codex", RESPONSES),
        ("gpt-5.2-pro", RESPONSES),
        ("gpt-5.1-codex-max", RESPONSES),
        ("gpt-6-luna", RESPONSES),
        ("gpt-6.1-sol", RESPONSES),
    ],
)
async def test_model_is_asked_where_it_is_served(
    simulator: Simulator, model: str, path: str
) -> None:
    assert (await sent(simulator, model)).path == path


async def test_retired_model_is_asked_for_by_its_replacement(simulator: Simulator) -> None:
    assert (await sent(simulator, "gpt-4-turbo")).body["model"] == "gpt-6.1-terra"


async def test_vendor_prefix_is_stripped(simulator: Simulator) -> None:
    assert (await sent(simulator, "openai/gpt-4o")).body["model"] == "gpt-4o"


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-6-luna"])
async def test_every_odd_turn_is_accepted_and_the_callers_list_unchanged(
    simulator: Simulator, model: str
) -> None:
    history: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "In French."},
        {"role": "assistant", "content": "Hello!", "tool_calls": None, "our_own": 1},
        USER | {"metadata": {"trace": 7}},
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "signature": "s"}]},
        {"role": "tool", "tool_call_id": "c1", "content": "A cat.", "name": "look"},
        {"role": "assistant", "content": "Trailing "},
    ]
    before = copy.deepcopy(history)
    arrived = await sent(simulator, model, messages=history, tools=[TOOL])
    assert history == before
    for foreign in ("our_own", "trace", "signature"):
        assert foreign not in str(arrived.body)


@pytest.mark.parametrize("arguments", ["", "{broken"])
async def test_broken_arguments_come_as_the_model_wrote_them(
    simulator: Simulator, arguments: str
) -> None:
    simulator.script(Behaviour(finish=Finish.TOOL, tool_arguments=arguments))
    reply = await llm_of("gpt-4o").generate(LlmRequest(messages=[USER], tools=[TOOL]))
    assert reply.tool_calls[0].arguments == arguments


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-6-luna"])
async def test_no_content_is_no_answer(simulator: Simulator, model: str) -> None:
    simulator.script(Behaviour(finish=Finish.REFUSAL), Behaviour(finish=Finish.FILTER))
    for _ in range(2):
        with pytest.raises(AnswerRefusedError):
            await llm_of(model).generate(LlmRequest(messages=[USER]))
    simulator.script(Behaviour(finish=Finish.TOOL))
    reply = await llm_of(model).generate(LlmRequest(messages=[USER], tools=[TOOL]))
    assert (reply.text, reply.finish_reason) == ("", "tool_calls")


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-6-luna"])
async def test_stream_without_its_end_is_no_success(simulator: Simulator, model: str) -> None:
    simulator.script(Behaviour(text="one two three four", stream=Stream.ENDS_EARLY))
    with pytest.raises(OutcomeUnknownError):
        async for _ in llm_of(model).stream(LlmRequest(messages=[USER])):
            pass


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-6-luna"])
async def test_cut_answer_is_told_from_a_whole_one(simulator: Simulator, model: str) -> None:
    simulator.script(Behaviour(text="Half a sen", finish=Finish.LENGTH))
    reply = await llm_of(model).generate(LlmRequest(messages=[USER]))
    assert reply.finish_reason == "length"


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-6-luna"])
async def test_streamed_usage_is_asked_for(simulator: Simulator, model: str) -> None:
    simulator.default = Behaviour(usage={"input": 100, "cached": 40, "output": 7})
    items = [item async for item in llm_of(model).stream(LlmRequest(messages=[USER]))]
    reply = items[-1]
    assert isinstance(reply, LlmReply)
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.cached_tokens) == (100, 40)
    assert reply.usage.output_tokens == 7
    assert reply.usage.cost_usd is not None


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-6-luna"])
async def test_json_is_answered_in_json(simulator: Simulator, model: str) -> None:
    messages = [{"role": "user", "content": "Answer in JSON."}]
    wanted = {"type": "json_object"}
    reply = await llm_of(model).generate(LlmRequest(messages=messages, response_format=wanted))
    assert reply.text.startswith("{")


async def test_nothing_is_stored_and_thinking_is_replayed(simulator: Simulator) -> None:
    simulator.script(Behaviour(finish=Finish.TOOL, thinking=True))
    llm = llm_of("gpt-6.1-sol")
    reply = await llm.generate(LlmRequest(messages=[USER], tools=[TOOL]))
    assert simulator.received[-1].body["store"] is False
    assert reply.thinking
    result = {"role": "tool", "tool_call_id": reply.tool_calls[0].id, "content": "A cat."}
    messages = [USER, reply.as_message(), result]
    await llm.generate(LlmRequest(messages=messages, tools=[TOOL]))
    kinds = [item["type"] for item in simulator.received[-1].body["input"]]
    assert kinds == ["message", "reasoning", "function_call", "function_call_output"]


async def test_own_server_gets_neither_openais_key_nor_its_dialect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(variable, "sk-not-for-you-0123")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    async with OpenAiServer(Answer()) as server:
        monkeypatch.setenv("CUSTOM_LLM_ENDPOINT", server.base_url + "/chat/completions")
        llm = LlmFactory.get_provider("custom", "my-model")
        messages = [{"role": "developer", "content": "Be brief."}, USER]
        await llm.generate(LlmRequest(messages=messages, max_tokens=9, temperature=0.1))
        llm = LlmFactory.get_provider("custom", "my-model", api_key="its-own-key")
        await llm.generate(LlmRequest(messages=messages))
        await LlmFactory.aclose()
    keyless, keyed = server.received
    assert keyless.body == {
        "model": "my-model",
        "messages": [{"role": "system", "content": "Be brief."}, USER],
        "max_tokens": 9,
        "temperature": 0.1,
    }
    assert "sk-not-for-you-0123" not in str(keyless.headers)
    assert "Authorization" not in keyless.headers
    assert keyed.headers["Authorization"] == "Bearer its-own-key"
