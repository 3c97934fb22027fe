"""Reading a file of tasks, and saying which entry is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmbus.ops.cli.task_file import read_tasks
from llmbus.shared.errors import InvalidInputError


def entry(task_id: str = "t1", **fields: Any) -> dict[str, Any]:
    required = {"title": "Title", "description": "Do it.", "agent": "gpt-4"}
    return {"task_id": task_id} | required | fields


def written(folder: Path, content: str | bytes, name: str = "tasks.json") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tasks.json", json.dumps([entry("a"), entry("b")])),
        ("tasks.json", json.dumps({"tasks": [entry("a"), entry("b")], "comment": "x"})),
        ("tasks.jsonl", f"{json.dumps(entry('a'))}\n{json.dumps(entry('b'))}\n"),
        ("tasks.ndjson", f"{json.dumps(entry('a'))}\n{json.dumps(entry('b'))}"),
    ],
)
def test_each_form_gives_its_tasks_in_order(tmp_path: Path, name: str, content: str) -> None:
    tasks = read_tasks(written(tmp_path, content, name))
    assert [task.task_id for task in tasks] == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ("7", "must hold a list of tasks"),
        ("{}", "must hold a list of tasks"),
        ('{"tasks": 7}', "must hold a list of tasks"),
        ("[]", "holds no task"),
        ("[7]", "entry 1 is not an object"),
        (json.dumps([entry("a"), {"title": "x"}]), "entry number 2: task_id is required"),
        (json.dumps([entry("a", priority="urgent")]), "entry a: .*priority"),
        (json.dumps([entry("a", schema_version=99)]), "entry a: schema_version"),
        (json.dumps([entry("a"), entry("b"), entry("a")]), "'a' is there more than once"),
        (json.dumps([entry("a", deadline="2030-01-01T00:00:00")]), "entry a: .*deadline"),
    ],
)
def test_wrong_content_is_named(tmp_path: Path, content: str | bytes, says: str) -> None:
    file = written(tmp_path, content)
    with pytest.raises(InvalidInputError, match=says) as caught:
        read_tasks(file)
    assert str(file) in str(caught.value)


def test_wrong_line_of_a_jsonl_file_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, f"{json.dumps(entry())}\nnonsense\n", "tasks.jsonl")
    with pytest.raises(InvalidInputError, match="not JSON"):
        read_tasks(file)


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_file_that_cannot_be_read_says_why(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot read"):
        read_tasks(tmp_path / name)
