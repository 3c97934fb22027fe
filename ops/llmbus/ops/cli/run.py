"""`llmbus run`: run a project from a file of tasks, watch it, keep every result."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Annotated

import typer

from llmbus.ops.cli.board import Board
from llmbus.ops.cli.board_view import following, summary
from llmbus.ops.cli.errand import Errand
from llmbus.ops.cli.run_output import RunOutput
from llmbus.ops.cli.run_parts import embedded_parts, parts_on_rabbitmq
from llmbus.ops.cli.tables import cell
from llmbus.ops.cli.task_file import read_tasks
from llmbus.shared.logs import configure_logs

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
    state: Annotated[
        Path | None,
        typer.Option(
            help="Keep here how far the run is. [FILE-state.json, in the folder of the results]"
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Run all tasks anew; the old state file is renamed."),
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run again what failed in an earlier run.")
    ] = False,
    done: Annotated[
        list[str] | None,
        typer.Option(help="Of a task that waited for a person: it is done. May be repeated."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="The orchestrator's name: results wait for it under this name."
            " [made from the state file's]"
        ),
    ] = None,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Exit 0 even if tasks failed.")
    ] = False,
) -> None:
    """Run the tasks in FILE, each as soon as what it depends on is done, and keep all results.

    Exits 0 if every task is done, 1 if not. Interrupted or killed, the tasks that were submitted
    go on: run the same command again, and it goes on where it ended. What is done is not run again.
    """
    if not embedded and (scripted is not None or concurrency is not None):
        raise typer.BadParameter("--scripted and --concurrency need --embedded")
    configure_logs(level=logging.WARNING)
    tasks = read_tasks(file)
    board = Board(tasks)
    results_file = results or Path(f"{file.stem}-results.jsonl")
    errand = Errand(
        tasks=tasks,
        board=board,
        results_path=results_file,
        state_path=state or results_file.with_name(f"{file.stem}-state.json"),
        output=RunOutput(board),
        fresh=fresh,
        retry_failed=retry_failed,
        done=done or [],
    )
    if embedded:
        parts = embedded_parts(tasks, scripted, concurrency, board.on_event)
    else:
        parts = parts_on_rabbitmq(name, errand.state_path)
    title = f"{file.name} on the {'embedded bus' if embedded else 'bus'}"
    with following(board, errand.output, title):
        asyncio.run(errand.carry_out(parts))  # noqa: TID251  the program's entry point
    for line in summary(board, str(results_file)):
        errand.output.print(cell(line), soft_wrap=True)
    if not exit_zero and not board.all_done:
        raise typer.Exit(1)
