"""Messages in the OpenAI chat format, read as a conversation."""

import copy
from typing import Any

import pytest

from llmbus.worker.llm_abstractions.chat.conversation import (
    AssistantTurn,
    Call,
    Conversation,
    Result,
    UserTurn,
    begun_by_user,
    read_conversation,
)
from llmbus.worker.llm_abstractions.chat.parts import LinkedImage, Text
from llmbus.worker.llm_abstractions.errors import RequestRejectedError

USER = {"role": "user", "content": "Hello?"}
IMAGE = {"type": "image_url", "image_url": "https://e.org/a.png"}


def read(*messages: dict[str, Any], provider: str = "anthropic-claude") -> Conversation:
    return read_conversation(messages, provider=provider)


def call(call_id: str = "c1", name: str = "weather", arguments: Any = "{}") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def asks(*calls: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **fields}


def answers(call_id: str = "c1", content: Any = "rain") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def test_instructions_stand_apart_wherever_they_were() -> None:
    conversation = read(
        {"role": "system", "content": "Be brief."},
        USER,
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "system", "content": ""},
    )
    assert conversation.system == ("Be brief.", "Be kind.")
    assert conversation.turns == (UserTurn(parts=(Text("Hello?"),)),)


def test_neighbours_of_one_side_become_one_turn() -> None:
    conversation = read(
        USER,
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Anyone?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "assistant", "content": "", "refusal": "But no."},
        USER,
    )
    assert [len(turn.parts) for turn in conversation.turns] == [2, 2, 1]
    assert conversation.turns[1] == AssistantTurn(parts=(Text("Yes."), Text("But no.")))


def test_turn_that_empties_lets_its_neighbours_meet() -> None:
    conversation = read(
        USER, {"role": "assistant", "content": None}, {"role": "user", "content": [" ", "You?"]}
    )
    assert conversation.turns == (UserTurn(parts=(Text("Hello?"), Text("You?"))),)


def test_results_stand_together_before_what_the_user_says() -> None:
    conversation = read(
        USER,
        asks(call("c1"), call("c2", "time", "")),
        answers("c1"),
        USER,
        answers("c2", None),
    )
    assert conversation.turns[1] == AssistantTurn(
        calls=(
            Call(id="c1", name="weather", arguments={}),
            Call(id="c2", name="time", arguments={}),
        )
    )
    assert conversation.turns[2] == UserTurn(
        results=(
            Result(call_id="c1", name="weather", parts=(Text("rain"),)),
            Result(call_id="c2", name="time", parts=()),
        ),
        parts=(Text("Hello?"),),
    )


def test_text_of_a_result_is_joined() -> None:
    assert (
        Result(call_id="c", name="n", parts=(Text("a"), LinkedImage("u"), Text("b"))).text == "ab"
    )


def test_calls_in_the_old_form_are_matched_by_name() -> None:
    conversation = read(
        USER,
        {
            "role": "assistant",
            "function_call": {"name": "weather", "arguments": '{"city": "Oslo"}'},
        },
        {"role": "function", "name": "weather", "content": "rain"},
    )
    assert conversation.turns[1:] == (
        AssistantTurn(calls=(Call(id="call_weather", name="weather", arguments={"city": "Oslo"}),)),
        UserTurn(results=(Result(call_id="call_weather", name="weather", parts=(Text("rain"),)),)),
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [("", {}), (None, {}), ("  ", {}), ('{"a": 1}', {"a": 1}), ({"a": 1}, {"a": 1})],
)
def test_arguments_are_read(arguments: Any, expected: dict[str, Any]) -> None:
    turn = read(asks(call(arguments=arguments)), answers()).turns[0]
    assert isinstance(turn, AssistantTurn)
    assert turn.calls[0].arguments == expected


def test_signature_and_own_thinking_are_kept() -> None:
    thinking = {"provider": "anthropic-claude", "blocks": [{"type": "thinking"}]}
    message = asks({**call(), "signature": "sig"}, thinking=thinking)
    turn = read(message, answers()).turns[0]
    assert isinstance(turn, AssistantTurn)
    assert (turn.calls[0].signature, turn.thinking) == ("sig", ({"type": "thinking"},))
    foreign = read(message, answers(), provider="google-gemini").turns[0]
    assert isinstance(foreign, AssistantTurn)
    assert foreign.thinking == ()


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([{"role": "user", "content": ""}], "all messages are empty"),
        ([{"role": "assistant", "content": None}], "all messages are empty"),
        ([{"role": "system", "content": [IMAGE]}], "only be text"),
        ([asks(call(arguments='{"a": '))], "arguments are no JSON object"),
        ([asks(call(arguments="[1]"))], "arguments are no JSON object"),
        ([asks(call(arguments=7))], "arguments are no JSON object"),
        ([asks(call(""))], "without id or name"),
        ([asks({"id": "c1"})], "without id or name"),
        ([{"role": "assistant", "tool_calls": ["c"]}], "no list of objects"),
        ([asks(call())], "calls without a result: c1"),
        ([asks(call()), {"role": "assistant", "content": "So."}], "before the results of c1"),
        ([USER, answers()], "answers no open call"),
        ([{"role": "tool", "content": "rain"}], "answers no open call"),
        ([{"role": "function", "content": "rain"}], "answers no open call"),
    ],
)
def test_what_no_provider_would_take_is_rejected(messages: list[Any], words: str) -> None:
    with pytest.raises(RequestRejectedError, match=words) as caught:
        read(*messages)
    assert not caught.value.sent


def test_conversation_can_be_begun_by_the_user() -> None:
    user, assistant = UserTurn(parts=(Text("Hello?"),)), AssistantTurn(parts=(Text("Hi."),))
    assert begun_by_user((user,)) == (user,)
    assert begun_by_user((assistant,))[1:] == (assistant,)
    for turns in (begun_by_user(()), begun_by_user((assistant,))):
        assert isinstance(turns[0], UserTurn)
        assert turns[0].parts


def test_callers_messages_stay_as_they_are() -> None:
    messages = [USER, asks(call()), answers(), {"role": "user", "content": ["a", "b"]}]
    before = copy.deepcopy(messages)
    read(*messages)
    assert messages == before
