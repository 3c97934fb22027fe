"""Workers: take tasks from their lanes, run them, answer. Importing this loads no LLM SDK."""

from llmbus.worker.settings import WorkerSettings
from llmbus.worker.worker import Surroundings, Worker

__all__ = ["Surroundings", "Worker", "WorkerSettings"]
