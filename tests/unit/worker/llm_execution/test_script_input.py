"""What a script is given."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmbus.shared import AgentType
from llmbus.shared.errors import InvalidInputError
from llmbus.worker.llm_execution.script_input import ScriptInput, read_input
from tests.support.task_scripts import a_task

TYPES = (AgentType.CUSTOM, AgentType.META_LLAMA)


def given(**fields: Any) -> ScriptInput:
    return read_input(json.dumps(a_task(**fields)).encode(), TYPES)


def test_top_level_beats_the_metadata() -> None:
    said = {"model": "old", "max_tokens": 1, "temperature": 1.0, "context": "kept"}
    task = given(metadata=said, model="new", max_tokens=2, temperature=0).task
    assert task.metadata == {
        "model": "new",
        "max_tokens": 2,
        "temperature": 0,
        "context": "kept",
    }


@pytest.mark.parametrize("beside", [{}, {"model": "", "max_tokens": None, "temperature": None}])
def test_what_is_not_said_at_the_top_level_leaves_the_metadata_alone(
    beside: dict[str, Any],
) -> None:
    said = {"model": "m", "max_tokens": 1, "temperature": 1.0}
    assert given(metadata=said, **beside).task.metadata == said


def test_first_agent_type_is_meant_unless_another_is_named() -> None:
    assert given().agent_type is AgentType.CUSTOM
    assert given(agent_type=None).agent_type is AgentType.CUSTOM
    assert given(agent_type="meta-llama").agent_type is AgentType.META_LLAMA


def test_mode_is_as_it_is_written() -> None:
    assert (given().execution_mode, given(execution_mode="api").execution_mode) == ("", "api")


@pytest.mark.parametrize("field", ["task_id", "title", "description", "agent"])
@pytest.mark.parametrize("value", ["", "  ", None, 7])
def test_wrong_field_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidInputError, match=field):
        given(**{field: value})


@pytest.mark.parametrize("field", ["task_id", "title", "description", "agent"])
def test_missing_field_is_named(field: str) -> None:
    task = a_task()
    del task[field]
    with pytest.raises(InvalidInputError, match=f"{field} is required"):
        read_input(json.dumps(task).encode(), TYPES)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("priority", "urgent"),
        ("schema_version", 99),
        ("model", 4),
        ("max_tokens", "many"),
        ("max_tokens", 0),
        ("temperature", "hot"),
        ("execution_mode", 1),
        ("agent_type", "abacus"),
        ("agent_type", "openai-gpt"),
    ],
)
def test_what_cannot_be_meant_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidInputError, match=field):
        given(**{field: value})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"{", "no JSON task"),
        (b"[]", "got `array`"),
        (b"null", "got `null`"),
        (b'"text"', "got `str`"),
        (b"{} {}", "no JSON task"),
        (b"\xff\xfe{}", "no JSON task"),
        (b'{"task_id": "\xff"}', "no JSON task"),
        (b'{"task_id": "\\ud800"}', "no JSON task"),
        (b'{"task_id": NaN}', "no JSON task"),
        (b'{"a":' * 100_000, "no JSON task"),
    ],
    ids=range(12),
)
def test_what_is_no_json_task_is_told(body: bytes, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        read_input(body, TYPES)
