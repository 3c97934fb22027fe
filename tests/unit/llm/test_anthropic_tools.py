"""Tools and the form of the answer, as the Messages API wants them."""

from typing import Any

import pytest

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.anthropic.body import prepare
from llmbus.worker.llm_abstractions.base_llm import LlmRequest
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules

OLD, NEW = "claude-haiku-4-5", "claude-sonnet-5-5"
USER = {"role": "user", "content": "Hello?"}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "Of a city.", "parameters": {"type": "object"}},
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def body(*messages: dict[str, Any], model: str = NEW, **fields: Any) -> dict[str, Any]:
    rules = ModelRules()
    request = LlmRequest(messages=messages or (USER,), **fields)
    return prepare(request, rules.choose(AgentType.ANTHROPIC_CLAUDE, model), rules).body


def test_tools_are_converted() -> None:
    bare = {"type": "function", "function": {"name": "now", "strict": True, "other": 1}}
    assert body(tools=[WEATHER, bare])["tools"] == [
        {"name": "weather", "description": "Of a city.", "input_schema": {"type": "object"}},
        {"name": "now", "input_schema": {"type": "object", "properties": {}}, "strict": True},
    ]


@pytest.mark.parametrize("tool", [{}, {"type": "web_search"}, {"type": "function", "function": {}}])
def test_tool_that_is_no_function_is_rejected(tool: dict[str, Any]) -> None:
    with pytest.raises(RequestRejectedError, match=r"tools\[0\]"):
        body(tools=[tool])


FORCED = {"type": "function", "function": {"name": "weather"}}


@pytest.mark.parametrize(
    ("model", "choice", "expected"),
    [
        (OLD, None, None),
        (OLD, "auto", {"type": "auto"}),
        (OLD, "none", {"type": "none"}),
        (OLD, "required", {"type": "any"}),
        (OLD, FORCED, {"type": "tool", "name": "weather"}),
        (NEW, FORCED, {"type": "auto"}),
        (NEW, "required", {"type": "auto"}),
    ],
)
def test_tool_choice_is_converted(model: str, choice: Any, expected: Any) -> None:
    sent = body(model=model, tools=[WEATHER], tool_choice=choice)
    assert sent.get("tool_choice") == expected


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", True, {"type": "any", "disable_parallel_tool_use": False}),
        ("none", False, {"type": "none"}),
    ],
)
def test_calls_can_be_had_one_by_one(choice: Any, parallel: bool, expected: Any) -> None:
    options = {"parallel_tool_calls": parallel}
    sent = body(model=OLD, tools=[WEATHER], tool_choice=choice, options=options)
    assert sent["tool_choice"] == expected
    assert "parallel_tool_calls" not in sent


@pytest.mark.parametrize("choice", ["sometimes", {"type": "function"}, {"function": {"name": ""}}])
def test_unknown_tool_choice_is_rejected(choice: Any) -> None:
    with pytest.raises(RequestRejectedError, match="tool_choice"):
        body(tools=[WEATHER], tool_choice=choice)


def test_choice_without_tools_is_dropped_unless_it_demands_a_call() -> None:
    assert "tool_choice" not in body(tool_choice="auto", options={"parallel_tool_calls": True})
    with pytest.raises(RequestRejectedError, match="no tools"):
        body(tool_choice="required")


def test_json_schema_becomes_the_output_format() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
    sent = body(response_format=wanted, options={"output_config": {"effort": "low"}})
    assert sent["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": SCHEMA},
    }
    assert "system" not in sent


def test_json_without_a_schema_is_asked_for_in_words() -> None:
    sent = body(
        {"role": "system", "content": "Be brief."}, USER, response_format={"type": "json_object"}
    )
    assert sent["system"].startswith("Be brief.\n\n")
    assert "JSON" in sent["system"]
    assert "output_config" not in sent


def test_text_format_is_the_default() -> None:
    assert body(response_format={"type": "text"}) == body()


@pytest.mark.parametrize("wanted", [{"type": "xml"}, {"type": "json_schema"}, {"json_schema": {}}])
def test_unknown_answer_format_is_rejected(wanted: dict[str, Any]) -> None:
    with pytest.raises(RequestRejectedError, match="response_format"):
        body(response_format=wanted)
