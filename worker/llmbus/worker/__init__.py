"""Workers: take tasks from their lanes, run them, answer. Importing this loads no LLM SDK."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from llmbus.worker.embedded import embedded_worker
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.surroundings import Surroundings
from llmbus.worker.worker import Worker

if TYPE_CHECKING:
    from llmbus.worker.task_executor import TaskExecutor

__all__ = ["Surroundings", "TaskExecutor", "Worker", "WorkerSettings", "embedded_worker"]

_LAZY: Final = {"TaskExecutor": "llmbus.worker.task_executor"}
"""A worker needs none of it, so it is imported when it is asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
