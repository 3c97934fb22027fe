"""Draws a board on a terminal: a live table, and of a project with dependencies, a tree."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from llmbus.ops.cli.board import Board, Row, State
from llmbus.ops.cli.branches import branches
from llmbus.ops.cli.tables import cell

__all__ = ["following", "summary"]

_STYLES: Final = {
    State.PLANNED: "dim",
    State.QUEUED: "dim",
    State.RUNNING: "cyan",
    State.WAITING: "yellow",
    State.DONE: "green",
    State.FAILED: "red",
    State.BLOCKED: "magenta",
}
_OF_PROJECTS: Final = frozenset({State.PLANNED, State.BLOCKED})
"""States that only tasks with dependencies can have."""
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
    rows = board.rows.values()
    by_state = {state: [row for row in rows if row.state is state] for state in State}
    results = [row.result for row in rows if row.result is not None]
    usages = [result.usage for result in results if result.usage is not None]
    costs = [usage.cost_usd for usage in usages if usage.cost_usd is not None]
    cost = f"{sum(costs):.4f} USD" if len(costs) == len(usages) and costs else "cost unknown"
    blocked = f" {len(by_state[State.BLOCKED])} blocked," if by_state[State.BLOCKED] else ""
    return [
        f"{len(by_state[State.DONE])} of {len(rows)} tasks done,"
        f" {len(by_state[State.FAILED])} failed,{blocked}"
        f" {board.retries} retried, in {board.seconds:.1f} s",
        f"{sum(usage.input_tokens for usage in usages):,} tokens in,"
        f" {sum(usage.output_tokens for usage in usages):,} out, {cost}",
        *_named(by_state, State.FAILED),
        *_named(by_state, State.BLOCKED),
        *_named(by_state, State.WAITING),
        f"results: {results_file}",
    ]


def _named(by_state: Mapping[State, Iterable[Row]], state: State) -> list[str]:
    return [
        f"{state.value}: {row.task.task_id} ({row.task.title}): {row.note}"
        for row in by_state[state]
    ]


def _counts(board: Board) -> Table:
    states = [state for state in State if board.is_project or state not in _OF_PROJECTS]
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("priority")
    for state in states:
        table.add_column(state.value, justify="right", style=_STYLES[state])
    for priority, counts in board.counts().items():
        table.add_row(priority.value, *(str(counts[state] or "·") for state in states))
    return table


def _rows(board: Board, room: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), expand=True)
    table.add_column("task", no_wrap=True, ratio=3)
    table.add_column("agent", no_wrap=True)
    table.add_column("priority", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("try", justify="right")
    table.add_column("note", no_wrap=True, ratio=4, overflow="ellipsis")
    shown = list(_most_telling(board))[:room]
    for branch, row in branches(shown) if board.is_project else (("", row) for row in shown):
        note = row.note or f"after {', '.join(board.waits_for(row))}"
        table.add_row(
            Text(branch, style="dim") + cell(row.task.title),
            cell(row.task.agent),
            row.task.priority.value,
            Text(row.state.value, style=_STYLES[row.state]),
            str(row.attempt or ""),
            cell(note if row.state is State.PLANNED else row.note),
        )
    return table


def _most_telling(board: Board) -> Iterable[Row]:
    """What runs, what waits, what ended last, then what is queued, blocked and planned."""
    by_state: dict[State, list[Row]] = {state: [] for state in State}
    for row in board.rows.values():
        by_state[row.state].append(row)
    ended = sorted(by_state[State.DONE] + by_state[State.FAILED], key=lambda row: -row.changed_at)
    # A failure for good stays in sight; it would soon be pushed out by what ended after it.
    ended.sort(key=lambda row: row.state is not State.FAILED)
    later = (by_state[state] for state in (State.QUEUED, State.BLOCKED, State.PLANNED))
    return chain(by_state[State.RUNNING], by_state[State.WAITING], ended, *later)
