"""What a script answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from llmbus.shared import ExecutionResult, ExecutionStatus, Failure, FailureKind, Usage
from llmbus.worker.llm_execution.script_answer import ScriptExit, answer_of, exit_of

STARTED = datetime(2026, 11, 22, tzinfo=UTC)
LEGACY_FIELDS = [
    "status",
    "output",
    "error",
    "task_id",
    "agent",
    "model",
    "execution_time_seconds",
    "tokens_used",
    "prompt_tokens",
    "completion_tokens",
    "timestamp",
    "exit_code",
]


def written(now: datetime = STARTED, **fields: Any) -> dict[str, Any]:
    result = ExecutionResult("t-1", "gpt-4", ExecutionStatus.SUCCESS, STARTED, **fields)
    line = answer_of(result, ScriptExit.OK, requested_model="gpt-4o", now=now).to_json()
    answer: dict[str, Any] = json.loads(line)
    return answer


def test_answer_has_the_fields_that_existing_callers_use() -> None:
    answer = written(
        STARTED + timedelta(seconds=1.5),
        output="Paris.",
        usage=Usage(12, 5, cost_usd=0.01),
        metadata={"model": "gpt-4o-2024-11-20", "provider": "openai-gpt"},
    )
    assert list(answer)[: len(LEGACY_FIELDS)] == LEGACY_FIELDS
    assert [answer[name] for name in LEGACY_FIELDS] == [
        "success",
        "Paris.",
        "",
        "t-1",
        "gpt-4",
        "gpt-4o-2024-11-20",
        1.5,
        17,
        12,
        5,
        "2026-11-22T00:00:01.500000Z",
        0,
    ]
    assert (answer["provider"], answer["usage"]["cost_usd"]) == ("openai-gpt", 0.01)


def test_usage_that_nobody_told_is_zero_and_null() -> None:
    answer = written()
    assert (answer["tokens_used"], answer["usage"]) == (0, None)
    assert answer["model"] == "gpt-4o"


def test_clock_that_was_set_back_gives_no_negative_time() -> None:
    assert written(STARTED - timedelta(seconds=1))["execution_time_seconds"] == 0


@pytest.mark.parametrize("text", ["half \ud83d", "Zürich\n", "\u2028 \x00", "😀"])
def test_any_text_can_be_written_in_one_line(text: str) -> None:
    result = ExecutionResult("t-1", "a", ExecutionStatus.SUCCESS, STARTED, output=text)
    line = answer_of(result, ScriptExit.OK, requested_model="", now=STARTED).to_json()
    assert json.loads(line)["output"] == text
    assert line.isascii()
    assert "\n" not in line


@pytest.mark.parametrize("kind", FailureKind)
def test_exit_code_of_each_failure(kind: FailureKind) -> None:
    unusable = {"missing_api_key", "missing_dependencies", "unknown_agent"}
    assert exit_of(Failure(kind, "No.")) == (2 if kind in unusable else 1)


def test_exit_code_without_failure() -> None:
    assert exit_of(None) == 0
