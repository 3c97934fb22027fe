"""Workers: take tasks from their lanes, run them, answer. Importing this loads no LLM SDK."""

from llmbus.worker.embedded import embedded_worker
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.worker import Surroundings, Worker

__all__ = ["Surroundings", "Worker", "WorkerSettings", "embedded_worker"]
