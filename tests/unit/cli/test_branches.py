"""A tree of what waits for what."""

from __future__ import annotations

from collections.abc import Iterable

from llmbus.ops.cli.branches import branches
from tests.unit.cli.sample import board, task


def drawn(needs: dict[str, list[str]], shown: Iterable[str] | None = None) -> list[str]:
    one, _ = board(*(task(name, dependencies=needed) for name, needed in needs.items()))
    rows = [one.rows[name] for name in shown or needs]
    return [f"{branch}{row.task.task_id}" for branch, row in branches(rows)]


def test_task_stands_below_what_it_waits_for() -> None:
    needs = {"a": [], "b": ["a"], "c": ["b"], "d": ["a"], "e": []}
    assert drawn(needs) == ["a", "├ b", "│ └ c", "└ d", "e"]


def test_task_with_several_dependencies_stands_below_the_one_with_the_longest_way() -> None:
    needs = {"last": ["a", "b"], "b": ["a"], "a": []}
    assert drawn(needs) == ["a", "└ b", "  └ last"]


def test_task_whose_dependency_is_not_shown_stands_by_itself() -> None:
    needs = {"a": [], "b": ["a"], "c": ["b"]}
    assert drawn(needs, ["c", "b"]) == ["b", "└ c"]
    assert drawn(needs, ["a", "c"]) == ["a", "c"]


def test_long_chain_is_drawn_without_recursion() -> None:
    names = [f"t{number}" for number in range(3_000)]
    needs = {name: names[place - 1 : place] if place else [] for place, name in enumerate(names)}
    assert drawn(needs)[-1].strip() == "└ t2999"
