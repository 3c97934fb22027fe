"""Draws a board: a live table on a terminal, one plain line per change elsewhere."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from itertools import chain
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from llmbus.ops.cli.board import Board, Row, State
from llmbus.ops.cli.tables import cell

__all__ = ["following", "summary"]

_STYLES: Final = {
    State.QUEUED: "dim",
    State.RUNNING: "cyan",
    State.WAITING: "yellow",
    State.DONE: "green",
    State.FAILED: "red",
}
_LINES_AROUND_THE_ROWS: Final = 12


@contextmanager
def following(board: Board, console: Console, title: str) -> Generator[None]:
    """Keep the table on the terminal up to date. Prints nothing where there is no terminal: the
    caller's own lines say what happened."""
    if not console.is_terminal:
        yield
        return
    picture = _Picture(board, console, title)
    with Live(picture, console=console, refresh_per_second=10, transient=True):
        yield


class _Picture:
    """Draws itself anew whenever the live display asks."""

    def __init__(self, board: Board, console: Console, title: str) -> None:
        self._board = board
        self._console = console
        self._title = title

    def __rich__(self) -> RenderableType:
        done = len(self._board.rows) - self._board.outstanding
        head = Text.assemble(
            (self._title, "bold"),
            f"   {done}/{len(self._board.rows)} ended   {self._board.seconds:5.1f} s",
        )
        room = max(6, self._console.size.height - _LINES_AROUND_THE_ROWS)
        return Group(head, _counts(self._board), _rows(self._board, room))


def summary(board: Board, results_file: str) -> list[str]:
    """What came of it, and where the results are: a line each."""
    results = [row.result for row in board.rows.values() if row.result is not None]
    failed = [row for row in board.rows.values() if row.state is State.FAILED]
    usages = [result.usage for result in results if result.usage is not None]
    costs = [usage.cost_usd for usage in usages if usage.cost_usd is not None]
    cost = f"{sum(costs):.4f} USD" if len(costs) == len(usages) and costs else "cost unknown"
    return [
        f"{len(results) - len(failed)} of {len(board.rows)} tasks done, {len(failed)} failed,"
        f" {board.retries} retried, in {board.seconds:.1f} s",
        f"{sum(usage.input_tokens for usage in usages):,} tokens in,"
        f" {sum(usage.output_tokens for usage in usages):,} out, {cost}",
        *(f"failed: {row.task.task_id} ({row.task.title}): {row.note}" for row in failed),
        f"results: {results_file}",
    ]


def _counts(board: Board) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("priority")
    for state in State:
        table.add_column(state.value, justify="right", style=_STYLES[state])
    for priority, states in board.counts().items():
        table.add_row(priority.value, *(str(states[state] or "·") for state in State))
    return table


def _rows(board: Board, room: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), expand=True)
    table.add_column("task", no_wrap=True, ratio=3)
    table.add_column("agent", no_wrap=True)
    table.add_column("priority", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("try", justify="right")
    table.add_column("note", no_wrap=True, ratio=4, overflow="ellipsis")
    for row in list(_most_telling(board))[:room]:
        table.add_row(
            cell(row.task.title),
            cell(row.task.agent),
            row.task.priority.value,
            Text(row.state.value, style=_STYLES[row.state]),
            str(row.attempt or ""),
            cell(row.note),
        )
    return table


def _most_telling(board: Board) -> Iterable[Row]:
    """What runs, what waits for another attempt, what ended last, then what is queued."""
    by_state: dict[State, list[Row]] = {state: [] for state in State}
    for row in board.rows.values():
        by_state[row.state].append(row)
    ended = sorted(by_state[State.DONE] + by_state[State.FAILED], key=lambda row: -row.changed_at)
    # A failure for good stays in sight; it would soon be pushed out by what ended after it.
    ended.sort(key=lambda row: row.state is not State.FAILED)
    return chain(by_state[State.RUNNING], by_state[State.WAITING], ended, by_state[State.QUEUED])
