"""The report of the programs that compare: Markdown, one section for each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.report import figure, where
from benchmarks.results import Line

__all__ = ["REPORT", "as_markdown_table", "goals_told", "lines_as_markdown", "write_section"]

REPORT: Final = Path("test-results/performance-validation.md")
_TITLE: Final = "# Performance validation"
_SECTION: Final = re.compile(r"^(?=## )", re.MULTILINE)
_VERDICT: Final = {True: "met", False: "missed", None: ""}


def goals_told(lines: Sequence[Line]) -> Iterator[str]:
    """A line for each goal: met or missed, the figure, and how far apart the rounds were."""
    for line in lines:
        if line.goal is not None:
            verdict = _VERDICT[line.meets_goal]
            told = f"{figure(line.llmbus)} {line.unit}, goal {line.goal}{_spread(line)}"
            yield f"{verdict:6}  {line.name}: {told}"


def lines_as_markdown(lines: Sequence[Line], beside: str, sides: tuple[str, str]) -> str:
    """The table, and what it was measured on."""
    rows = [
        (
            line.name,
            line.unit,
            figure(line.llmbus),
            figure(line.by_hand),
            figure(line.ratio),
            str(line.goal or ""),
            _VERDICT[line.meets_goal],
        )
        for line in lines
    ]
    table = as_markdown_table(("measured", "unit", *sides, "ratio", "goal", ""), rows)
    return f"{where(beside)}.\n\n{table}"


def as_markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of texts, as Markdown."""
    ruled = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled)


def write_section(path: Path, name: str, text: str) -> None:
    """Put the program's section into the report, in place of an older one of the same program."""
    heading = f"## {name}\n"
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    own = f"{heading}\nMeasured {when} by `python -m benchmarks.{name}`.\n\n{text}\n\n"
    before = _SECTION.split(path.read_text())[1:] if path.exists() else []
    others = [f"{one.rstrip()}\n\n" for one in before if not one.startswith(heading)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{_TITLE}\n\n{''.join(sorted([*others, own])).rstrip()}\n")


def _spread(line: Line) -> str:
    samples = [sample for side in line.samples.values() for sample in side]
    if len(samples) < 2:
        return ""
    return f" (rounds {figure(min(samples))} to {figure(max(samples))})"
