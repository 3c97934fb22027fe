"""What people read after many runs: each failure with the way to repeat it, and a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.console import Console
from rich.table import Column, Table

from tests.faults.extra_calls import Cause, extra_calls
from tests.faults.oracle import Violation, violations_in
from tests.faults.run import Finished

__all__ = ["Judged", "failure_in_words", "print_table"]


@dataclass(frozen=True)
class Judged:
    """A run and what the oracle says of it."""

    finished: Finished

    @cached_property
    def violations(self) -> list[Violation]:
        return violations_in(self.finished.events)

    @cached_property
    def causes(self) -> Counter[Cause]:
        """Why there were calls beyond one per task."""
        return Counter(extra.cause for extra in extra_calls(self.finished.events))

    @property
    def faults(self) -> Sequence[str]:
        """Those that struck."""
        missed = {id(each) for each in self.finished.not_reached}
        injections = self.finished.plan.injections
        return [each.fault for each in injections if id(each) not in missed]

    def count(self, *checks: str) -> int:
        """How many violations these checks found."""
        return sum(each.invariant.endswith(checks) for each in self.violations)


def failure_in_words(judged: Judged, command: str) -> str:
    """`command` repeats the run."""
    finished = judged.finished
    return "\n".join(
        [
            f"fails: {finished.plan.in_words()}",
            *(f"  {violation}" for violation in judged.violations),
            f"  history: {finished.history}",
            f"  again:   {command}",
        ]
    )


def print_table(runs: Iterable[Judged], console: Console) -> None:
    """One line per fault, and one for all. A run with two faults counts for both."""
    judged = list(runs)
    by_fault: dict[str, list[Judged]] = {}
    for each in judged:
        for fault in dict.fromkeys(each.faults):
            by_fault.setdefault(fault, []).append(each)
    name = Column("fault", overflow="fold")  # cut off, it could not be asked for by ONLY
    table = Table(name, "runs", "bad", "lost", "double results", "extra calls, and why")
    for fault, those in sorted(by_fault.items()):
        table.add_row(fault, *_figures(those))
    table.add_section()
    table.add_row("in all", *_figures(judged))
    console.print(table)
    if missed := sum(len(each.finished.not_reached) for each in judged):
        console.print(f"{missed} planned faults did not strike: nobody came to their step so often")


def _figures(runs: Sequence[Judged]) -> Iterator[str]:
    yield str(len(runs))
    yield str(sum(bool(each.violations) for each in runs))
    yield str(sum(each.count("no_task_is_lost") for each in runs))
    yield str(sum(each.count("one_result_each") for each in runs))
    causes = Counter(cause for each in runs for cause in each.causes.elements())
    yield ", ".join(f"{number} {cause}" for cause, number in causes.most_common()) or "0"
