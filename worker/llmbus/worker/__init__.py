"""Workers: take tasks from their lanes, run them, answer. Importing this loads no LLM SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmbus.shared.lazy_names import lazy_names
from llmbus.worker.embedded import embedded_worker
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.surroundings import Surroundings
from llmbus.worker.worker import Worker

if TYPE_CHECKING:
    from llmbus.worker.task_executor import TaskExecutor

__all__ = ["Surroundings", "TaskExecutor", "Worker", "WorkerSettings", "embedded_worker"]

# A worker needs none of it, so it is imported when it is asked for.
__getattr__ = lazy_names(__name__, {"TaskExecutor": "llmbus.worker.task_executor"})
