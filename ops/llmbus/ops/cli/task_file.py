"""Reading a file of tasks: a JSON list, an object with a list `tasks`, or one task per line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from llmbus.shared.errors import InvalidInputError, InvalidTaskError
from llmbus.shared.task import AgentTask

__all__ = ["read_tasks"]


def read_tasks(path: Path) -> list[AgentTask]:
    """The tasks in the file's order. `InvalidTaskError` says which entry is wrong, and why."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InvalidTaskError(f"cannot read {path}: {error.strerror}") from error
    tasks = [
        _task(path, number, entry) for number, entry in enumerate(_entries(path, raw), start=1)
    ]
    if not tasks:
        raise InvalidTaskError(f"{path} holds no task")
    repeated = [task_id for task_id, n in Counter(t.task_id for t in tasks).items() if n > 1]
    if repeated:
        raise InvalidTaskError(f"{path}: task_id {repeated[0]!r} is there more than once")
    return tasks


def _entries(path: Path, raw: bytes) -> list[Any]:
    try:
        if path.suffix in {".jsonl", ".ndjson"}:
            return list(msgspec.json.Decoder().decode_lines(raw))
        content = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise InvalidTaskError(f"{path} is not JSON: {error}") from error
    entries = content.get("tasks") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise InvalidTaskError(
            f"{path} must hold a list of tasks, or an object with a list `tasks`"
        )
    return entries


def _task(path: Path, number: int, entry: Any) -> AgentTask:
    if not isinstance(entry, dict):
        raise InvalidTaskError(f"{path}: entry {number} is not an object")
    try:
        return AgentTask.from_dict(entry)
    except InvalidInputError as error:
        name = entry.get("task_id") or f"number {number}"
        raise InvalidTaskError(f"{path}: entry {name}: {error}") from error
