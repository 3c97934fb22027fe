"""A fallback consumer of the suite: the product's own, its bus and store behind gates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from llmbus.shared.settings import read_settings
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.subprocess_path import ScriptSettings
from llmbus.worker.worker import Worker
from tests.faults.gated_worker import serve_gated

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """As `llmbus fallback`, with the arguments of `serve_gated`."""
    settings = read_settings(WorkerSettings).model_copy(update={"lanes": ()})
    serve_gated(arguments, partial(Worker, settings), read_settings(ScriptSettings))
