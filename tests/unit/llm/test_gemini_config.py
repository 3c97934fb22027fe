"""Everything of a request but its messages, as Gemini's configuration."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.base_llm import LlmRequest
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.gemini.config import config_of
from llmbus.worker.llm_abstractions.profiles import builtin_profiles
from llmbus.worker.llm_abstractions.profiles.model_profile import Sampling
from llmbus.worker.llm_abstractions.profiles.rules import ChosenModel, ModelRules

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "Now.", "parameters": SCHEMA, "strict": True},
}
TIME = {"type": "function", "function": {"name": "time"}}


def model_with(sampling: Sampling) -> ChosenModel:
    profile = builtin_profiles().profile_of(AgentType.GOOGLE_GEMINI, "gemini-3.8-flash")
    return ChosenModel("a-model", msgspec.structs.replace(profile, sampling=sampling))


def config(*, strict: bool = False, sampling: Sampling = Sampling.YES, **fields: Any) -> Any:
    request = LlmRequest(messages=[{"role": "user", "content": "Hello?"}], **fields)
    return config_of(request, model_with(sampling), ModelRules(strict_parameters=strict))


def test_nothing_asked_for_is_nothing_sent() -> None:
    assert config() == {}


def test_limits_and_sampling_have_their_own_names() -> None:
    asked = config(max_tokens=50, temperature=0.2, stop=["END"], options={"top_p": 0.5, "seed": 7})
    assert asked == {
        "max_output_tokens": 50,
        "temperature": 0.2,
        "stop_sequences": ["END"],
        "top_p": 0.5,
        "seed": 7,
    }


def test_what_the_model_accepts_and_ignores_is_sent() -> None:
    assert config(temperature=0.0, sampling=Sampling.IGNORED) == {"temperature": 0.0}


def test_what_the_model_rejects_is_left_out_with_one_warning_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = config(temperature=0.2, options={"topP": 0.5, "seed": 7}, sampling=Sampling.NEVER)
    assert asked == {"seed": 7}
    assert len(caplog.records) == 2


def test_what_the_model_rejects_is_refused_where_parameters_are_strict() -> None:
    with pytest.raises(RequestRejectedError, match="temperature"):
        config(temperature=0.2, sampling=Sampling.NEVER, strict=True)


@pytest.mark.parametrize(
    ("response_format", "expected"),
    [
        ({"type": "text"}, {}),
        ({"type": "json_object"}, {"response_mime_type": "application/json"}),
        (
            {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}},
            {"response_mime_type": "application/json", "response_json_schema": SCHEMA},
        ),
    ],
)
def test_response_format(response_format: Mapping[str, Any], expected: dict[str, Any]) -> None:
    assert config(response_format=response_format) == expected


def test_tools_are_declared_with_their_json_schema() -> None:
    assert config(tools=[WEATHER, TIME])["tools"] == [
        {
            "function_declarations": [
                {"name": "weather", "description": "Now.", "parameters_json_schema": SCHEMA},
                {"name": "time"},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (
            {"type": "function", "function": {"name": "time"}},
            {"mode": "ANY", "allowed_function_names": ["time"]},
        ),
    ],
)
def test_tool_choice(choice: Any, expected: dict[str, Any]) -> None:
    asked = config(tools=[WEATHER, TIME], tool_choice=choice)
    assert asked["tool_config"] == {"function_calling_config": expected}


@pytest.mark.parametrize("choice", [None, "auto", "none"])
def test_choice_among_no_tools_says_nothing(choice: str | None) -> None:
    assert config(tool_choice=choice) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"options": {"candidate_count": 2}},
        {"options": {"contents": []}},
        {"options": {"httpOptions": {}}},
        {"options": {"automatic_continuation": True}},
        {"options": {"tools": []}},
        {"response_format": {"type": "yaml"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
        {"tools": [{"type": "function"}]},
        {"tools": [{"type": "function", "function": {"name": ""}}]},
        {"tool_choice": "required"},
        {"tools": [TIME], "tool_choice": "some"},
        {"tools": [TIME], "tool_choice": {"type": "function", "function": {"name": "other"}}},
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestRejectedError) as caught:
        config(**wrong)
    assert not caught.value.sent
