"""Messages in the OpenAI chat format as Gemini's contents."""

import base64
import copy
from typing import Any

import pytest

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.base_llm import LlmReply, ToolCall
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.gemini.contents import contents_of
from llmbus.worker.llm_abstractions.profiles import builtin_profiles

PNG = b"\x89PNG\r\n\x1a\n and the rest"
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
ANY_SIGNATURE = b"skip_thought_signature_validator"


def converted(*messages: dict[str, Any], model: str = "gemini-3.8-flash") -> Any:
    profile = builtin_profiles().profile_of(AgentType.GOOGLE_GEMINI, model)
    return contents_of(messages, profile)


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def call(name: str, arguments: str = "{}", **fields: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": f"id-of-{name}", "type": "function", "function": function, **fields}


def calling(*calls: dict[str, Any], content: Any = None) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def result(name: str, content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"id-of-{name}", "content": content}


def turn(role: str, *parts: Any) -> dict[str, Any]:
    texts = [{"text": part} if isinstance(part, str) else part for part in parts]
    return {"role": role, "parts": texts}


def test_all_instructions_go_apart_wherever_they_stand() -> None:
    system, contents = converted(
        {"role": "system", "content": "Be brief."},
        user("Hello?"),
        {"role": "developer", "content": [{"type": "text", "text": "Be polite."}]},
    )
    assert system == {"parts": [{"text": "Be brief.\n\nBe polite."}]}
    assert contents == [turn("user", "Hello?")]


def test_without_instructions_there_is_none() -> None:
    assert converted(user("Hello?")).system_instruction is None


def test_assistant_is_called_model() -> None:
    contents = converted(
        user("Hello?"), {"role": "assistant", "content": "Yes?"}, user("Bye.")
    ).contents
    assert contents == [turn("user", "Hello?"), turn("model", "Yes?"), turn("user", "Bye.")]


def test_instructions_alone_get_a_turn_of_the_users() -> None:
    contents = converted({"role": "system", "content": "Tell a joke."}).contents
    assert contents == [turn("user", "Begin.")]


def test_history_that_begins_with_the_assistant_gets_a_turn_before_it() -> None:
    contents = converted({"role": "assistant", "content": "Hi!"}, user("Hello.")).contents
    assert contents == [turn("user", "Begin."), turn("model", "Hi!"), turn("user", "Hello.")]


def test_history_that_ends_with_the_assistant_goes_on() -> None:
    messages = (user("Count."), {"role": "assistant", "content": "1, 2"})
    assert converted(*messages).contents[-1] == turn("user", "Continue.")


def test_beginning_of_an_answer_is_kept_where_the_model_goes_on_with_it() -> None:
    messages = (user("Count."), {"role": "assistant", "content": "1, 2"})
    contents = converted(*messages, model="gemini-2.5-pro").contents
    assert contents[-1] == turn("model", "1, 2")


@pytest.mark.parametrize("nothing", ["", "  \n", None, [], [{"type": "text", "text": ""}]])
def test_what_is_empty_is_dropped_and_its_neighbours_merged(nothing: Any) -> None:
    contents = converted(
        user("One."), {"role": "assistant", "content": nothing}, user(nothing), user("Two.")
    ).contents
    assert contents == [turn("user", "One.", "Two.")]


def test_refusal_is_what_the_assistant_said() -> None:
    refused = {"role": "assistant", "content": None, "refusal": "No."}
    contents = converted(user("Do it."), refused, user("Please.")).contents
    assert contents[1] == turn("model", "No.")


def test_results_answer_their_calls_in_the_very_next_turn_before_any_text() -> None:
    contents = converted(
        user("Weather?"),
        calling(call("now", '{"city": "Rome"}'), call("soon", ""), content="Let me see."),
        result("now", "12 degrees"),
        result("soon", '{"rain": true}'),
        user("And tomorrow?"),
    ).contents
    assert contents[1:] == [
        turn(
            "model",
            "Let me see.",
            {
                "function_call": {"id": "id-of-now", "name": "now", "args": {"city": "Rome"}},
                "thought_signature": ANY_SIGNATURE,
            },
            {"function_call": {"id": "id-of-soon", "name": "soon", "args": {}}},
        ),
        turn(
            "user",
            {
                "function_response": {
                    "id": "id-of-now",
                    "name": "now",
                    "response": {"result": "12 degrees"},
                }
            },
            {
                "function_response": {
                    "id": "id-of-soon",
                    "name": "soon",
                    "response": {"rain": True},
                }
            },
            "And tomorrow?",
        ),
    ]


@pytest.mark.parametrize("text", ["[1, 2]", "7", '"word"', "{broken", "", "null"])
def test_result_that_is_no_object_is_wrapped_into_one(text: str) -> None:
    contents = converted(user("Go."), calling(call("f")), result("f", text)).contents
    assert contents[2]["parts"][0]["function_response"]["response"] == {"result": text}


def test_image_in_a_result_follows_the_results() -> None:
    image = {"type": "image_url", "image_url": {"url": PNG_URL}}
    seen = [{"type": "text", "text": "Seen:"}, image]
    contents = converted(user("Look."), calling(call("f")), result("f", seen)).contents
    first, second = contents[2]["parts"]
    assert first["function_response"]["response"] == {"result": "Seen:"}
    assert second == {"inline_data": {"mime_type": "image/png", "data": PNG}}


@pytest.mark.parametrize("signature", ["_-8=", "/+8=", "_-8"])
def test_signature_goes_back_with_its_call(signature: str) -> None:
    signed = call("f", signature=signature)
    contents = converted(
        user("Go."), calling(signed, call("g")), result("f", "1"), result("g", "2")
    )
    first, second = contents.contents[1]["parts"]
    assert first["thought_signature"] == b"\xff\xef"
    assert "thought_signature" not in second


def test_signature_survives_the_message_of_a_reply() -> None:
    reply = LlmReply(
        text="",
        finish_reason="tool_calls",
        usage=None,
        model="m",
        provider="google-gemini",
        tool_calls=(ToolCall(id="id-of-f", name="f", arguments="{}", signature="c2ln"),),
    )
    contents = converted(user("Go."), reply.as_message(), result("f", "1")).contents
    assert contents[1]["parts"][0]["thought_signature"] == b"sig"


def test_calls_of_another_model_get_what_stands_for_any_signature() -> None:
    contents = converted(user("Go."), calling(call("f", signature="no base64!")), result("f", "1"))
    assert contents.contents[1]["parts"][0]["thought_signature"] == ANY_SIGNATURE


def test_models_that_ask_for_no_signature_get_none() -> None:
    contents = converted(
        user("Go."), calling(call("f")), result("f", "1"), model="gemini-2.5-flash"
    ).contents
    assert "thought_signature" not in contents[1]["parts"][0]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (PNG_URL, {"inline_data": {"mime_type": "image/png", "data": PNG}}),
        (
            "https://example.org/a.png?b=c",
            {"file_data": {"file_uri": "https://example.org/a.png?b=c", "mime_type": "image/png"}},
        ),
        ("https://example.org/a", {"file_data": {"file_uri": "https://example.org/a"}}),
    ],
)
def test_image_goes_along_or_is_pointed_to(url: str, expected: dict[str, Any]) -> None:
    image = {"type": "image_url", "image_url": {"url": url}}
    contents = converted(user([{"type": "text", "text": "What is this?"}, image])).contents
    assert contents == [turn("user", "What is this?", expected)]


def test_sound_and_files_go_along() -> None:
    data = base64.b64encode(b"RIFF....").decode()
    content = [
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{data}"}},
    ]
    sound, file = converted(user(content)).contents[0]["parts"]
    assert sound == {"inline_data": {"mime_type": "audio/wav", "data": b"RIFF...."}}
    assert file == {"inline_data": {"mime_type": "application/pdf", "data": b"RIFF...."}}


@pytest.mark.parametrize(
    "messages",
    [
        (user(""),),
        (user("Go."), calling(call("f", "{broken")), result("f", "1")),
        (user("Go."), calling(call("f"))),
        (user("Go."), result("f", "1")),
        (user([{"type": "image_url", "image_url": {"url": "data:image/png;base64,eHg="}}]),),
        (user([{"type": "hologram"}]),),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    messages: tuple[dict[str, Any], ...],
) -> None:
    with pytest.raises(RequestRejectedError) as caught:
        converted(*messages)
    assert not caught.value.sent


def test_messages_are_left_as_they_were() -> None:
    messages = [user("Go."), calling(call("f", '{"a": [1]}')), result("f", "1"), user("Well?")]
    before = copy.deepcopy(messages)
    converted(*messages)
    assert messages == before
