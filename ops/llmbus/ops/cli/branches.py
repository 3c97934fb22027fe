"""The dependencies of some tasks, drawn as a tree: each task below one that it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from graphlib import TopologicalSorter

from llmbus.ops.cli.board import Row

__all__ = ["branches"]


def branches(rows: Iterable[Row]) -> Iterator[tuple[str, Row]]:
    """These rows in the order of the tree, each with the lines that lead to it. A task that
    depends on several of them stands below the one with the longest way to it."""
    shown = {row.task.task_id: row for row in sorted(rows, key=lambda row: row.place)}
    below: dict[str | None, list[Row]] = {}
    depths = _depths(shown)
    for row in shown.values():
        needed = [name for name in row.task.dependencies if name in shown]
        parent = max(needed, key=lambda name: depths[name], default=None)
        below.setdefault(parent, []).append(row)
    stack = [("", "", row) for row in reversed(below.get(None, []))]
    while stack:
        branch, stem, row = stack.pop()
        yield branch, row
        stack.extend(reversed(_children(stem, below.get(row.task.task_id, []))))


def _children(stem: str, rows: Sequence[Row]) -> list[tuple[str, str, Row]]:
    last = len(rows) - 1
    return [
        (f"{stem}└ ", f"{stem}  ", row) if place == last else (f"{stem}├ ", f"{stem}│ ", row)
        for place, row in enumerate(rows)
    ]


def _depths(shown: dict[str, Row]) -> dict[str, int]:
    """How many of the shown tasks are in line before each."""
    graph = {
        name: [each for each in row.task.dependencies if each in shown]
        for name, row in shown.items()
    }
    depths: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        depths[name] = 1 + max((depths[each] for each in graph[name]), default=0)
    return depths
