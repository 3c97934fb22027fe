"""`llmbus run`: submit a file of tasks, watch them, keep every result."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from llmbus.ops.cli.board import Board, State
from llmbus.ops.cli.board_view import following, summary
from llmbus.ops.cli.results_file import ResultsFile
from llmbus.ops.cli.tables import cell
from llmbus.ops.cli.task_file import read_tasks
from llmbus.producer import Producer
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.logs import configure_logs
from llmbus.shared.result import ExecutionResult
from llmbus.shared.settings import BusSettings, read_settings
from llmbus.shared.task import AgentTask
from llmbus.worker.embedded import embedded_worker
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.usable import configured_providers
from llmbus.worker.worker import Worker

__all__ = ["run"]


def run(
    file: Annotated[
        Path, typer.Argument(help="JSON list of tasks, object with `tasks`, or .jsonl.")
    ],
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Bus and worker in this process: no RabbitMQ.")
    ] = False,
    scripted: Annotated[
        Path | None, typer.Option(help="With --embedded: answer from this file, ask no provider.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="With --embedded: tasks at once over all lanes.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="Append results to this file, a JSON line each. [FILE-results.jsonl]"),
    ] = None,
    name: Annotated[
        str, typer.Option(help="The orchestrator's name: results wait for it under this name.")
    ] = "llmbus-run",
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Exit 0 even if tasks failed.")
    ] = False,
) -> None:
    """Submit the tasks in FILE and wait for all of their results.

    Exits 0 if every task succeeded, 1 if some failed. Interrupted, the tasks go on: their results
    wait on the bus and are appended by the next run under the same name.
    """
    if not embedded and (scripted is not None or concurrency is not None):
        raise typer.BadParameter("--scripted and --concurrency need --embedded")
    configure_logs(level=logging.WARNING)
    console = _Output()
    tasks = read_tasks(file)
    errand = _Errand(tasks, Board(tasks), results or Path(f"{file.stem}-results.jsonl"), console)
    parts = _embedded(errand, name, scripted, concurrency) if embedded else _on_rabbitmq(name)
    title = f"{file.name} on the {'embedded bus' if embedded else 'bus'}"
    with following(errand.board, console, title):
        asyncio.run(_carry_out(errand, *parts))  # noqa: TID251  the program's entry point
    for line in summary(errand.board, str(errand.results_file)):
        console.print(cell(line), soft_wrap=True)
    if not exit_zero and any(row.state is State.FAILED for row in errand.board.rows.values()):
        raise typer.Exit(1)


class _Output(Console):
    """Stdout. When its reader leaves, as `head` does, the run goes on without it."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass(frozen=True)
class _Errand:
    tasks: list[AgentTask]
    board: Board
    results_file: Path
    console: Console


def _on_rabbitmq(name: str) -> tuple[Producer, None]:
    return Producer(name, settings=read_settings(BusSettings)), None


def _embedded(
    errand: _Errand, name: str, scripted: Path | None, concurrency: int | None
) -> tuple[Producer, Worker]:
    broker = MemoryBroker()
    layout = read_settings(BusSettings).layout
    producer = Producer(name, bus=MemoryBus(broker), layout=layout)
    settings = read_settings(
        WorkerSettings,
        lanes=tuple(dict.fromkeys(producer.lane_of(task) for task in errand.tasks)),
        scripted=scripted,
        concurrency=concurrency,
        grace_seconds=0.0,
    )
    worker = embedded_worker(
        settings,
        broker,
        configured_providers(settings.scripted),
        layout=layout,
        observer=errand.board.on_event,
    )
    return producer, worker


async def _carry_out(errand: _Errand, producer: Producer, worker: Worker | None) -> None:
    async with AsyncExitStack() as resources:
        results_file = resources.enter_context(ResultsFile(errand.results_file))
        await resources.enter_async_context(producer)
        await producer.submit_many(errand.tasks)
        if worker is not None:
            await resources.enter_async_context(worker)
        async for result in _until_all_ended(errand.board, producer):
            results_file.keep(result)
            errand.board.on_result(result)
            if not errand.console.is_terminal:
                errand.console.print(cell(_line(errand.board, result)), soft_wrap=True)


async def _until_all_ended(board: Board, producer: Producer) -> AsyncIterator[ExecutionResult]:
    async for result in producer.results():
        yield result
        if not board.outstanding:
            return


def _line(board: Board, result: ExecutionResult) -> str:
    row = board.rows.get(result.task_id)
    if row is None:
        return f"{result.task_id}: {result.status.value} (of an earlier run)"
    note = f"  {row.note}" if row.note else ""
    return f"{board.seconds:6.1f} s  {row.state.value:<7} {result.task_id}{note}"
