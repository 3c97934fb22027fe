"""The lines as a table for people and as JSON for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.results import Line

__all__ = ["figure", "print_table", "where", "write_json"]

_TABLE_WIDTH_ELSEWHERE: Final = 120
_MET: Final = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}

_SIDES: Final = ("llmbus", "by hand")
_LOOP: Final = f"a hand-written aio-pika {version('aio-pika')} loop"


def print_table(
    lines: Sequence[Line], beside: str = _LOOP, sides: tuple[str, str] = _SIDES
) -> None:
    """To stdout. `beside` is what llmbus was compared with, `sides` heads the columns of both."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_TABLE_WIDTH_ELSEWHERE)
    table = Table("", box=SIMPLE_HEAD, pad_edge=False, title=where(beside), title_justify="left")
    for name in ("unit", *sides, "ratio", "goal", ""):
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(
            line.name,
            line.unit,
            figure(line.llmbus),
            figure(line.by_hand),
            f"{line.ratio:.2f} x" if line.ratio is not None else "",
            str(line.goal or ""),
            _MET[line.meets_goal],
        )
    console.print(table)


def write_json(path: Path, lines: Sequence[Line], beside: str = _LOOP) -> None:
    """Everything, each round's sample included."""
    document = {
        "measured_at": datetime.now(UTC),
        "where": where(beside),
        "lines": [msgspec.to_builtins(line) | {"meets_goal": line.meets_goal} for line in lines],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")


def where(beside: str) -> str:
    """What was compared, and on what kind of machine."""
    load, _, _ = os.getloadavg()
    return (
        f"llmbus {version('llmbus')} beside {beside}:"
        f" Python {platform.python_version()}, {os.cpu_count()} CPUs, load {load:.1f}"
    )


def figure(value: float | None) -> str:
    """Three digits; nothing for nothing."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
