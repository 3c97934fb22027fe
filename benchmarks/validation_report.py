"""The report of the programs that compare: Markdown, one section for each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.report import figure, where
from benchmarks.results import Line

__all__ = ["REPORT", "goals_told", "lines_as_markdown", "write_section"]

REPORT: Final = Path("test-results/performance-validation.md")
_TITLE: Final = "# Performance validation"
_SECTION: Final = re.compile(r"^(?=## )", re.MULTILINE)
_VERDICT: Final = {True: "met", False: "missed", None: ""}


def goals_told(lines: Sequence[Line]) -> Iterator[str]:
    """A line for each goal: met or missed, and the figure."""
    for line in lines:
        if line.goal is not None:
            verdict = _VERDICT[line.meets_goal]
            yield f"{verdict:6}  {line.name}: {figure(line.llmbus)} {line.unit} (goal {line.goal})"


def lines_as_markdown(lines: Sequence[Line], beside: str, sides: tuple[str, str]) -> str:
    """The table, and what it was measured on."""
    rows = [
        "|".join(
            (
                "",
                line.name,
                line.unit,
                figure(line.llmbus),
                figure(line.by_hand),
                figure(line.ratio),
                str(line.goal or ""),
                _VERDICT[line.meets_goal],
                "",
            )
        )
        for line in lines
    ]
    head = [
        f"| | unit | {sides[0]} | {sides[1]} | ratio | goal | |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    return "\n".join([where(beside) + ".", "", *head, *rows])


def write_section(path: Path, name: str, text: str) -> Path:
    """Put the program's section into the report, in place of an older one of the same program.
    Returns the path."""
    now = datetime.now(UTC)
    written = f"## {name}\n\nMeasured {now:%Y-%m-%d %H:%M} UTC by `python -m benchmarks.{name}`.\n"
    before = _SECTION.split(path.read_text())[1:] if path.exists() else []
    others = [section for section in before if not section.startswith(f"## {name}\n")]
    sections = sorted([*others, f"{written}{text}\n\n"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{_TITLE}\n\n{''.join(sections).rstrip()}\n")
    return path
