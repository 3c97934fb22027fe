"""What a redrive tells while it goes on, and at its end, however that comes."""

from __future__ import annotations

from collections import Counter
from types import TracebackType
from typing import Final, Self

import typer
from rich.console import Console

from llmbus.ops.cli.parking.views import cut, print_text
from llmbus.ops.cli.tables import cell
from llmbus.ops.parking.redrive import UNREADABLE, Step
from llmbus.shared.errors import InvalidInputError

__all__ = ["RedriveProgress"]

_TOLD_PROBLEMS: Final = 20


class RedriveProgress:
    """Counts the steps. In a terminal a line on stderr follows them."""

    def __init__(self, *, dry_run: bool) -> None:
        self._done, self._failed = ("would be sent", "would stay") if dry_run else ("sent", "stays")
        self._sent: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()
        self._passed_over = 0
        console = Console(stderr=True)
        self._line = console.status("looking through parking") if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._line is not None:
            self._line.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Say what came of it, also where an error or Ctrl-C ended it."""
        if self._line is not None:
            self._line.stop()
        self._tell_counts()
        if exc is None and not (self._sent or self._problems or self._passed_over):
            typer.echo("nothing matched")
        elif exc is not None and not isinstance(exc, InvalidInputError):
            typer.echo("not finished: the rest stands in parking. Doing it again does no harm")

    @property
    def stayed(self) -> int:
        """How many could not be sent."""
        return self._problems.total()

    def on_step(self, step: Step) -> None:
        """One message has been dealt with."""
        if step.problem == UNREADABLE:
            self._passed_over += 1
        elif step.problem:
            self._tell(step)
        else:
            self._sent[step.to] += 1
        if self._line is not None:
            self._line.update(
                f"{self._sent.total():,} {self._done}, {self.stayed:,} {self._failed}"
            )

    def _tell_counts(self) -> None:
        for queue, count in self._sent.most_common():
            print_text(f"{count:,} {self._done} to {queue}")
        for problem, count in self._problems.most_common():
            print_text(f"{count:,} {self._failed} in parking: {cut(problem)}")
        if self._passed_over:
            typer.echo(f"{self._passed_over:,} passed over: {UNREADABLE}")

    def _tell(self, step: Step) -> None:
        self._problems[step.problem] += 1
        if self.stayed <= _TOLD_PROBLEMS:
            text = (
                f"{step.parked.message_id} ({step.parked.task_id}) {self._failed}: {step.problem}"
            )
            typer.echo(cell(text).plain, err=True)
        elif self.stayed == _TOLD_PROBLEMS + 1:
            typer.echo("… and more", err=True)
