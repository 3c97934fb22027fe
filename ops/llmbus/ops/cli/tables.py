"""Tables for people. In a terminal they fit its width; elsewhere no column is ever cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["age", "cell", "print_table"]

_WIDER_THAN_ANY_TABLE = 10_000


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print to stdout. Numbers stand on the right; None is shown as `?`."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDER_THAN_ANY_TABLE)
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console.print(table)


def age(seconds: float | None) -> str | None:
    """`7s`, `3m 20s`, `2h 5m`, `4d 3h`: the two largest units."""
    if seconds is None:
        return None
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s"))
    first = next((place for place, (number, _) in enumerate(units) if number), len(units) - 1)
    return " ".join(f"{number}{unit}" for number, unit in units[first : first + 2])


def cell(value: object) -> Text:
    """The value as it may be printed: brackets in it are no markup, and it cannot steer the
    terminal."""
    shown = "?" if value is None else str(value)
    printable = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown
    )
    return Text(printable, justify="right" if isinstance(value, int) else "left")
