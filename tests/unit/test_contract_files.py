"""docs/contract says what the code speaks, and what the code writes keeps to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from llmbus.ops.contract import contract_files
from llmbus.shared import AgentTask, ExecutionResult, ExecutionStatus, Failure, FailureKind, Usage
from llmbus.shared.codec import encode_result, encode_task

FOLDER = Path(__file__).parents[2] / "docs" / "contract"
NOW = datetime.now(UTC)


@pytest.mark.parametrize("name", contract_files())
def test_committed_file_is_what_the_types_say(name: str) -> None:
    assert (FOLDER / name).read_text() == contract_files()[name], "run `make contract`"


def test_folder_holds_nothing_else() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(contract_files())


def check(schema_name: str, body: bytes) -> None:
    schema: dict[str, Any] = json.loads((FOLDER / schema_name).read_text())
    jsonschema.validate(json.loads(body), schema)


def test_written_task_keeps_to_its_schema() -> None:
    task = AgentTask(
        "t1",
        "Title",
        "Do it.",
        "gpt-4",
        deadline=NOW + timedelta(hours=1),
        timeout_seconds=5,
        max_attempts=2,
        metadata={"model": "m"},
    )
    check("agent-task.schema.json", encode_task(task))


def test_written_result_keeps_to_its_schema() -> None:
    failure = Failure(FailureKind.RATE_LIMITED, "slow down", True, "rate", 3.0)
    result = ExecutionResult(
        "t1", "gpt-4", ExecutionStatus.FAILED, NOW, NOW, usage=Usage(1, 2), failure=failure
    )
    check("execution-result.schema.json", encode_result(result))


@pytest.mark.parametrize(
    "wrong", [{"title": ""}, {"priority": "soon"}, {"max_attempts": 0}, {"estimated_hours": -1}]
)
def test_schema_refuses_what_the_code_refuses(wrong: dict[str, Any]) -> None:
    values = AgentTask("t1", "Title", "Do it.", "gpt-4").to_dict() | wrong
    with pytest.raises(jsonschema.ValidationError):
        check("agent-task.schema.json", json.dumps(values).encode())
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AgentTask.from_dict(values)
