"""The plain lines of a run, and where there is no terminal, one for every task that ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console

from llmbus.ops.cli.board import Board
from llmbus.ops.cli.project_file import TakenUp
from llmbus.ops.cli.tables import cell

__all__ = ["RunOutput"]


class RunOutput(Console):
    """Stdout. When its reader leaves, as `head` does, the run goes on without it."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board
        self.tells_of_tasks = False
        """Not before the run begins: what an earlier one left is told at once."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def say(self, line: str) -> None:
        """One line, on a terminal, too. Brackets in it are no markup."""
        self.print(cell(line), soft_wrap=True)

    def tell_of_task(self, task_id: str) -> None:
        """How a task has ended; on a terminal the table tells it."""
        row = self._board.rows.get(task_id)
        if row is not None and self.tells_of_tasks and not self.is_terminal:
            note = f"  {row.note}" if row.note else ""
            self.say(f"{self._board.seconds:6.1f} s  {row.state.value:<7} {task_id}{note}")

    def tell_of_earlier_run(
        self, state_path: Path, taken_up: TakenUp, failed_run_again: bool
    ) -> None:
        """What is not run again, and how to change that."""
        self.say(
            f"going on with {state_path}: {taken_up.completed} of {len(self._board.rows)} tasks"
            f" were done before, {taken_up.in_progress} are under way (--fresh runs all anew)"
        )
        if taken_up.failed:
            names = ", ".join(taken_up.failed)
            hint = "run again" if failed_run_again else "not run again without --retry-failed"
            self.say(f"failed before, {hint}: {names}")
        if taken_up.changed:
            self.say(f"changed in the file, but not run again: {', '.join(taken_up.changed)}")
