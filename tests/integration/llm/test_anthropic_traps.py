"""What naive code gets wrong, on a Claude that refuses what the service refuses.

The numbers are those of the project's list of 22 traps. Those that are missing here concern other
providers alone: 3 (`max_tokens` of GPT), 4 (Responses-only models), 16 (Gemini's `text`).
"""

import copy
import logging
import pickle
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmbus.worker.llm_abstractions import BaseLlm, LlmError, LlmFactory, LlmReply, LlmRequest
from llmbus.worker.llm_abstractions.errors import (
    AnswerRefusedError,
    OutcomeUnknownError,
    RateLimitedError,
    RequestRejectedError,
)
from llmbus.worker.provider_simulator import Behaviour, Finish, Simulator, Stream
from tests.support.llm_calls import simulated_anthropic

KEY = "sk-ant-traps-0123456789"
USER = {"role": "user", "content": "Hello?"}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}
PREFILLS, NEWEST = "claude-haiku-4-5", "claude-sonnet-5-5"


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with simulated_anthropic(monkeypatch, KEY) as simulator:
        yield simulator


def claude(model: str | None = NEWEST) -> BaseLlm:
    return LlmFactory.get_provider("anthropic-claude", model)


async def ask(*messages: dict[str, Any], model: str | None = NEWEST, **fields: Any) -> LlmReply:
    return await claude(model).generate(LlmRequest(messages=messages, **fields))


def sent(simulator: Simulator) -> list[Any]:
    """The messages of the newest request."""
    return list(simulator.received[-1].body["messages"])


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def calls(*ids: str, arguments: str = "{}") -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": i, "type": "function", "function": {"name": "weather", "arguments": arguments}}
            for i in ids
        ],
    }


def result(call_id: str, content: Any = "rain") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


async def test_trap_01_first_block_is_thinking(simulator: Simulator) -> None:
    simulator.script(Behaviour(text="Paris.", thinking=True))
    assert (await ask(USER)).text == "Paris."


async def test_trap_01_refusal_has_no_block_at_all(simulator: Simulator) -> None:
    simulator.script(Behaviour(finish=Finish.REFUSAL))
    with pytest.raises(AnswerRefusedError):
        await ask(USER)


@pytest.mark.parametrize(
    "model", [PREFILLS, "claude-opus-4-6", "claude-opus-4-8", NEWEST, "claude-9"]
)
async def test_trap_02_temperature(simulator: Simulator, model: str) -> None:
    await ask(USER, model=model, temperature=0.2, options={"top_p": 0.9, "top_k": 5})
    assert simulator.received[-1].status == 200


async def test_trap_05_several_system_messages(simulator: Simulator) -> None:
    await ask(
        {"role": "system", "content": "Be brief."},
        USER,
        {"role": "developer", "content": "Be kind."},
    )
    assert simulator.received[-1].body["system"] == "Be brief.\n\nBe kind."
    assert sent(simulator) == [{"role": "user", "content": [text("Hello?")]}]


async def test_trap_06_no_user_message(simulator: Simulator) -> None:
    await ask({"role": "system", "content": "Say hello."})
    assert simulator.received[-1].body["system"] == "Say hello."
    assert [message["role"] for message in sent(simulator)] == ["user"]


async def test_trap_07_first_message_is_the_assistants(simulator: Simulator) -> None:
    await ask({"role": "assistant", "content": "Welcome!"}, USER)
    assert [message["role"] for message in sent(simulator)] == ["user", "assistant", "user"]


async def test_trap_08_last_message_is_the_assistants(simulator: Simulator) -> None:
    started = {"role": "assistant", "content": "Well, \n"}
    await ask(USER, started, model=PREFILLS)
    assert sent(simulator)[-1] == {"role": "assistant", "content": [text("Well,")]}
    await ask(USER, started, model=NEWEST)
    assert sent(simulator)[-1] == {"role": "user", "content": [text("Continue.")]}


async def test_trap_08_no_prefill_while_thinking(simulator: Simulator) -> None:
    options = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}
    await ask(USER, {"role": "assistant", "content": "Well"}, model=PREFILLS, options=options)
    assert sent(simulator)[-1]["role"] == "user"


async def test_trap_09_empty_texts(simulator: Simulator) -> None:
    await ask(
        {"role": "system", "content": ""},
        USER,
        {"role": "assistant", "content": " "},
        {"role": "user", "content": [text(""), text("You?")]},
        {"role": "user", "content": "\n"},
    )
    assert sent(simulator) == [{"role": "user", "content": [text("Hello?"), text("You?")]}]
    with pytest.raises(RequestRejectedError, match="empty"):
        await ask({"role": "user", "content": ""})
    assert len(simulator.received) == 1


@pytest.mark.parametrize(
    ("message", "content"),
    [
        ({"content": None}, None),
        ({}, None),
        ({"content": None, "refusal": "I cannot."}, [text("I cannot.")]),
        ({"content": [{"type": "refusal", "refusal": "I cannot."}]}, [text("I cannot.")]),
    ],
)
async def test_trap_10_assistant_without_content(
    simulator: Simulator, message: dict[str, Any], content: Any
) -> None:
    await ask(USER, {"role": "assistant", **message}, {"role": "user", "content": "Why?"})
    contents = [m["content"] for m in sent(simulator) if m["role"] == "assistant"]
    assert contents == ([] if content is None else [content])


async def test_trap_11_results_of_one_turn_stand_together_and_first(simulator: Simulator) -> None:
    await ask(USER, calls("a", "b"), result("a"), USER, result("b", None), tools=[WEATHER])
    assert sent(simulator)[-1]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": [text("rain")]},
        {"type": "tool_result", "tool_use_id": "b"},
        text("Hello?"),
    ]


async def test_trap_12_arguments(simulator: Simulator) -> None:
    await ask(USER, calls("a", arguments=""), result("a"), tools=[WEATHER])
    assert sent(simulator)[1]["content"][0]["input"] == {}
    with pytest.raises(RequestRejectedError, match="arguments") as caught:
        await ask(USER, calls("a", arguments='{"city": '), result("a"), tools=[WEATHER])
    assert (caught.value.sent, len(simulator.received)) == (False, 1)


async def test_trap_13_extra_keys(simulator: Simulator) -> None:
    await ask(
        {"role": "user", "content": "Hello?", "name": "Ann", "metadata": {"id": 1}},
        {"role": "assistant", "content": "Hi.", "tool_calls": None, "audio": None},
        {"role": "user", "content": [{**text("So?"), "id": 7}]},
    )
    assert simulator.received[-1].status == 200


async def test_trap_14_callers_list_is_not_changed(simulator: Simulator) -> None:
    messages = [{"role": "system", "content": "Be brief."}, USER, calls("a"), result("a"), USER]
    before = copy.deepcopy(messages)
    await ask(*messages, tools=[WEATHER])
    assert messages == before


async def test_trap_15_every_attempt_converts_anew(simulator: Simulator) -> None:
    request = LlmRequest(messages=[{"role": "system", "content": "Be brief."}, USER])
    simulator.script(Behaviour(status=429))
    with pytest.raises(RateLimitedError):
        await claude().generate(request)
    await claude(PREFILLS).generate(request)
    await claude().generate(request)
    first, _, last = (received.body for received in simulator.received)
    assert first == last


async def test_trap_17_calls_are_no_text(simulator: Simulator) -> None:
    simulator.script(Behaviour(finish=Finish.TOOL, tool_arguments={"city": "Oslo"}))
    reply = await ask(USER, tools=[WEATHER])
    assert (reply.finish_reason, [call.name for call in reply.tool_calls]) == (
        "tool_calls",
        ["weather"],
    )
    assert isinstance(reply.text, str)


async def test_trap_18_stream_without_its_final_event(simulator: Simulator) -> None:
    simulator.script(Behaviour(stream=Stream.ENDS_EARLY))
    with pytest.raises(OutcomeUnknownError):
        async for _ in claude().stream(LlmRequest(messages=[USER])):
            pass


async def test_trap_19_vendor_prefix(simulator: Simulator) -> None:
    await ask(USER, model=f"anthropic/{NEWEST}")
    assert simulator.received[-1].body["model"] == NEWEST


async def test_trap_20_cut_answer_says_so(simulator: Simulator) -> None:
    simulator.script(Behaviour(finish=Finish.LENGTH, text='{"half": '))
    assert (await ask(USER)).finish_reason == "length"


async def test_trap_21_errors_can_be_pickled(simulator: Simulator) -> None:
    simulator.script(Behaviour(status=429, retry_after=7))
    with pytest.raises(LlmError) as caught:
        await ask(USER)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), vars(again)) == (RateLimitedError, vars(caught.value))
    assert caught.value.__cause__ is None


async def test_trap_22_no_key_in_logs(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.script(Behaviour(status=500))
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(LlmError):
            await ask(USER)
        await ask(USER)
    assert KEY not in caplog.text
