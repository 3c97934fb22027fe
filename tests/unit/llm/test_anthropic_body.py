"""What of a request goes into the body, by the model's profile."""

import logging
from typing import Any

import pytest

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.anthropic.body import Prepared, prepare
from llmbus.worker.llm_abstractions.base_llm import LlmRequest
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules

OLD, ADAPTIVE, NEW = "claude-haiku-4-5", "claude-opus-4-6", "claude-sonnet-5-5"
ALWAYS_THINKS = "claude-opus-5-5"
USER = {"role": "user", "content": "Hello?"}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "Of a city.", "parameters": {"type": "object"}},
}


def prepared(
    *messages: dict[str, Any], model: str = NEW, strict: bool = False, **fields: Any
) -> Prepared:
    rules = ModelRules(strict_parameters=strict)
    chosen = rules.choose(AgentType.ANTHROPIC_CLAUDE, model)
    return prepare(LlmRequest(messages=messages or (USER,), **fields), chosen, rules)


def body(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return prepared(*messages, **fields).body


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def test_plain_question() -> None:
    assert prepared() == Prepared(
        {
            "model": NEW,
            "max_tokens": 16_384,
            "messages": [{"role": "user", "content": [text("Hello?")]}],
        },
        None,
    )


def test_limit_is_the_requests_or_the_models() -> None:
    assert body(max_tokens=50)["max_tokens"] == 50
    assert body(model=OLD)["max_tokens"] == 4_096


def test_budget_for_thinking_comes_on_top_of_the_default_limit() -> None:
    wanted = {"type": "enabled", "budget_tokens": 2_000}
    sent = body(model=OLD, options={"thinking": wanted})
    assert (sent["thinking"], sent["max_tokens"]) == (wanted, 6_096)
    wanted = {"type": "enabled", "budget_tokens": 63_000}
    assert body(model=OLD, options={"thinking": wanted})["max_tokens"] == 64_000


@pytest.mark.parametrize(
    ("model", "wanted", "expected"),
    [
        (OLD, {"type": "adaptive"}, None),
        (OLD, {"type": "disabled"}, {"type": "disabled"}),
        (ADAPTIVE, {"type": "adaptive"}, {"type": "adaptive"}),
        ("claude-opus-4-7", {"type": "enabled", "budget_tokens": 2_000}, {"type": "adaptive"}),
        (NEW, {"type": "disabled"}, {"type": "between_tools"}),
        ("claude-haiku-5-5", {"type": "between_tools"}, {"type": "disabled"}),
        (ALWAYS_THINKS, {"type": "disabled"}, None),
        (NEW, None, None),
    ],
)
def test_thinking_takes_the_form_that_the_model_knows(
    model: str, wanted: Any, expected: Any
) -> None:
    assert body(model=model, options={"thinking": wanted}).get("thinking") == expected


@pytest.mark.parametrize("wanted", ["on", {}, {"budget_tokens": 1}])
def test_thinking_that_is_no_object_is_rejected(wanted: Any) -> None:
    with pytest.raises(RequestRejectedError, match="thinking"):
        body(options={"thinking": wanted})


def test_sampling_goes_by_the_older_api_version_where_the_model_takes_it() -> None:
    asking = prepared(model=OLD, temperature=0.2, options={"top_k": 5})
    assert asking.api_version == "2023-06-01"
    assert (asking.body["temperature"], asking.body["top_k"]) == (0.2, 5)
    assert prepared(model=OLD).api_version is None


def test_only_one_of_temperature_and_top_p_is_sent() -> None:
    sent = body(model=OLD, temperature=0.2, options={"top_p": 0.9})
    assert "top_p" not in sent
    assert body(model=OLD, options={"top_p": 0.9})["top_p"] == 0.9


def test_temperature_of_another_scale_is_cut() -> None:
    assert body(model=OLD, temperature=1.7)["temperature"] == 1.0


@pytest.mark.parametrize(
    ("model", "options"),
    [(NEW, {}), (OLD, {"thinking": {"type": "enabled", "budget_tokens": 2_000}})],
)
def test_sampling_is_left_out_with_one_warning(
    model: str, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    rules = ModelRules()
    chosen = rules.choose(AgentType.ANTHROPIC_CLAUDE, model)
    request = LlmRequest(messages=[USER], temperature=0.2, options={"top_p": 0.9, **options})
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            asking = prepare(request, chosen, rules)
            assert not {"temperature", "top_p"} & asking.body.keys()
            assert asking.api_version is None
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0.2},
        {"options": {"top_k": 3}},
        {"options": {"seed": 3}},
        {"tools": [WEATHER], "tool_choice": "required"},
        {"stop": [" "]},
    ],
)
def test_strict_rules_refuse_what_they_would_leave_out(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestRejectedError, match=NEW):
        prepared(strict=True, **fields)


def test_fields_of_other_providers_are_left_out_and_own_ones_stay() -> None:
    sent = body(options={"seed": 1, "user": "u", "service_tier": "auto"})
    assert sent.keys() == {"model", "max_tokens", "messages", "service_tier"}


@pytest.mark.parametrize("option", ["system", "stream", "model", "stop_sequences", "n", "tools"])
def test_option_that_has_a_name_elsewhere_is_rejected(option: str) -> None:
    with pytest.raises(RequestRejectedError, match=option):
        body(options={option: 1})


@pytest.mark.parametrize(
    ("stop", "expected"),
    [(["END", "\n"], ["END"]), ("END", ["END"]), (["\n"], None), ([], None)],
)
def test_stop_becomes_stop_sequences(stop: Any, expected: Any) -> None:
    assert body(stop=stop).get("stop_sequences") == expected
