"""A worker process of the suite: the product's own worker, its bus and store behind gates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from llmbus.shared.settings import read_settings
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.worker import Worker
from tests.faults.gated_worker import serve_gated

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """As `llmbus worker`, with the arguments of `serve_gated`."""
    serve_gated(arguments, partial(Worker, read_settings(WorkerSettings)))
