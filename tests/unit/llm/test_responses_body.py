"""Requests in the chat format, as the Responses API wants them."""

import copy
from datetime import date
from typing import Any

import pytest

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions import LlmRequest
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.openai_llm.responses_body import responses_body
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules

USER = {"role": "user", "content": "Hello?"}
HELLO = {"type": "input_text", "text": "Hello?"}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def body_of(model: str = "gpt-6-luna", *, rules: ModelRules | None = None, **fields: Any) -> Any:
    rules = rules or ModelRules(today=lambda: date(2026, 11, 22))
    messages: Any = fields.pop("messages", [USER])
    request = LlmRequest(messages=messages, **fields)
    return responses_body(request, rules.choose(AgentType.OPENAI_GPT, model), rules)


def input_of(*messages: dict[str, Any]) -> Any:
    before = copy.deepcopy(messages)
    items = body_of(messages=messages)["input"]
    assert messages == before
    return items


def test_nothing_is_stored_and_no_more_is_said_than_asked() -> None:
    assert body_of() == {
        "model": "gpt-6-luna",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Hello?"}],
            }
        ],
        "store": False,
    }
    assert body_of(options={"store": True})["store"] is True


@pytest.mark.parametrize(("wanted", "sent"), [(50, 50), (5, 16)])
def test_limit_has_its_own_name_and_least_value(wanted: int, sent: int) -> None:
    body = body_of(max_tokens=wanted)
    assert body["max_output_tokens"] == sent
    assert "max_tokens" not in body
    assert "max_completion_tokens" not in body


def test_tools_are_flat_and_thinking_comes_along() -> None:
    function = {"name": "weather", "parameters": {"type": "object"}}
    body = body_of(
        tools=[{"type": "function", "function": function}, {"type": "web_search"}],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        options={"include": ["message.output_text.logprobs"], "parallel_tool_calls": False},
    )
    assert body["tools"] == [{"type": "function", **function}, {"type": "web_search"}]
    assert body["tool_choice"] == {"type": "function", "name": "weather"}
    assert body["include"] == ["message.output_text.logprobs", "reasoning.encrypted_content"]
    assert body["parallel_tool_calls"] is False
    assert body_of(tools=[{"type": "x"}], tool_choice="required")["tool_choice"] == "required"


def test_format_effort_and_verbosity_move() -> None:
    schema = {"name": "answer", "schema": {"type": "object"}, "strict": True}
    body = body_of(
        response_format={"type": "json_schema", "json_schema": schema},
        options={"reasoning_effort": "low", "verbosity": "low", "reasoning": {"summary": "auto"}},
    )
    assert body["text"] == {"format": {"type": "json_schema", **schema}, "verbosity": "low"}
    assert body["reasoning"] == {"summary": "auto", "effort": "low"}
    plain = body_of(response_format={"type": "json_object"})
    assert plain["text"] == {"format": {"type": "json_object"}}


@pytest.mark.parametrize(
    ("model", "options", "taken"),
    [
        ("gpt-6-luna", {}, False),
        ("gpt-6-luna", {"reasoning_effort": "none"}, True),
        ("gpt-6-luna", {"reasoning": {"effort": "none"}}, True),
        ("gpt-6-luna", {"reasoning_effort": "high"}, False),
        ("gpt-6.1-sol", {"reasoning_effort": "none"}, False),
    ],
)
def test_sampling_goes_only_to_a_model_that_does_not_think(
    model: str, options: dict[str, Any], taken: bool
) -> None:
    body = body_of(model, temperature=0.2, options={**options, "top_p": 0.5})
    assert ("temperature" in body, "top_p" in body) == (taken, taken)


def test_what_only_chat_knows_is_left_out() -> None:
    body = body_of(stop=["END"], options={"seed": 1, "logit_bias": {}, "service_tier": "flex"})
    assert not {"stop", "seed", "logit_bias"} & body.keys()
    assert body["service_tier"] == "flex"


@pytest.mark.parametrize("fields", [{"temperature": 0.2}, {"stop": ["END"]}])
def test_strict_parameters_refuse_what_would_be_left_out(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestRejectedError, match=next(iter(fields))):
        body_of(rules=ModelRules(strict_parameters=True), **fields)


def test_conversation_becomes_items() -> None:
    items = input_of(
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "text", "text": ""},
                {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                {"type": "image_url", "image_url": "https://example.org/a.png"},
                {"type": "file", "file": {"file_id": "file-1"}},
            ],
        },
        {"role": "developer", "content": "In French."},
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": ""}},
                {
                    "id": "call_2",
                    "type": "function",
                    "function": {"name": "look", "arguments": "{"},
                },
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "A cat."},
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "Two."}]},
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": None},
    )
    assert items == [
        {
            "type": "message",
            "role": "system",
            "content": [{"type": "input_text", "text": "Be brief."}],
        },
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": PIXEL, "detail": "low"},
                {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "auto"},
                {"type": "input_file", "file_id": "file-1"},
            ],
        },
        {
            "type": "message",
            "role": "developer",
            "content": [{"type": "input_text", "text": "In French."}],
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Let me see."}],
        },
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
        {"type": "function_call", "call_id": "call_2", "name": "look", "arguments": "{"},
        {"type": "function_call_output", "call_id": "call_1", "output": "A cat."},
        {"type": "function_call_output", "call_id": "call_2", "output": "Two."},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "No."}],
        },
    ]


def test_older_form_of_calls_is_understood() -> None:
    assert input_of(
        {"role": "assistant", "function_call": {"name": "look", "arguments": '{"a": 1}'}},
        {"role": "function", "name": "look", "content": "A cat."},
    ) == [
        {"type": "function_call", "call_id": "call_look", "name": "look", "arguments": '{"a": 1}'},
        {"type": "function_call_output", "call_id": "call_look", "output": "A cat."},
    ]


@pytest.mark.parametrize(("provider", "replayed"), [("openai-gpt", True), ("other", False)])
def test_own_thinking_goes_back_and_nobody_elses(provider: str, replayed: bool) -> None:
    record: dict[str, Any] = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "x",
    }
    thinking: dict[str, Any] = {"provider": provider, "blocks": [record]}
    items = input_of(USER, {"role": "assistant", "content": "Hm.", "thinking": thinking})
    assert (record in items) is replayed


MALFORMED: list[dict[str, Any]] = [
    {"role": "user", "content": 7},
    {"role": "user", "content": [{"text": "no type"}]},
    {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
    {"role": "user", "content": [{"type": "image_url"}]},
    {"role": "assistant", "tool_calls": "many"},
    {"role": "assistant", "tool_calls": [{"id": "", "function": {"name": "f"}}]},
    {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": ""}}]},
]


@pytest.mark.parametrize("message", MALFORMED)
def test_malformed_message_is_named(message: dict[str, Any]) -> None:
    with pytest.raises(RequestRejectedError, match=r"messages\[1\]"):
        input_of(USER, message)
