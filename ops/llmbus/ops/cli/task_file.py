"""Reading a file of tasks: a JSON list, an object with a list `tasks`, or one task per line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from llmbus.producer.task_graph import TaskGraph
from llmbus.shared.errors import DependencyError, InvalidInputError, InvalidTaskError
from llmbus.shared.task import AgentTask

__all__ = ["read_tasks"]


def read_tasks(path: Path) -> list[AgentTask]:
    """The tasks in the file's order. `InvalidTaskError` says which entry is wrong, and why;
    `DependencyError` names a dependency that is not in the file, or a circle."""
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
    try:
        TaskGraph().add({task.task_id: task.dependencies for task in tasks})
    except DependencyError as error:
        raise DependencyError(f"{path}: {error}") from None
    return tasks


class _TaskFile(msgspec.Struct):
    tasks: list[Any]


def _entries(path: Path, raw: bytes) -> list[Any]:
    try:
        if path.suffix in {".jsonl", ".ndjson"}:
            return msgspec.json.Decoder(Any).decode_lines(raw)
        content = msgspec.json.decode(raw, type=list[Any] | _TaskFile)
    except msgspec.ValidationError:
        raise InvalidTaskError(
            f"{path} must hold a list of tasks, or an object with a list `tasks`"
        ) from None
    except msgspec.DecodeError as error:
        raise InvalidTaskError(f"{path} is not JSON: {error}") from error
    return content.tasks if isinstance(content, _TaskFile) else content


def _task(path: Path, number: int, entry: Any) -> AgentTask:
    try:
        return AgentTask.from_dict(msgspec.convert(entry, dict[str, Any]))
    except msgspec.ValidationError:
        raise InvalidTaskError(f"{path}: entry {number} is not an object") from None
    except InvalidInputError as error:
        name = entry.get("task_id") or f"number {number}"
        raise InvalidTaskError(f"{path}: entry {name}: {error}") from error
