"""A graph of tasks never holds an unknown dependency or a circle."""

from __future__ import annotations

import random

import pytest

from llmbus.producer.task_graph import TaskGraph
from llmbus.shared.errors import DependencyError, InvalidInputError


def test_tasks_of_one_call_may_depend_on_each_other_in_any_order() -> None:
    graph = TaskGraph()
    graph.add({"c": ["a", "b"], "b": ["a"], "a": []})
    assert list(graph.dependents("a")) == ["c", "b"]
    assert set(graph.descendants("a")) == {"b", "c"}


def test_unknown_dependency_is_named_and_nothing_is_added() -> None:
    graph = TaskGraph()
    with pytest.raises(DependencyError, match="'b' depends on 'nowhere'"):
        graph.add({"a": [], "b": ["nowhere"]})
    with pytest.raises(DependencyError, match="'c' depends on 'a'"):
        graph.add({"c": ["a"]})


@pytest.mark.parametrize(
    ("tasks", "circle"),
    [
        ({"a": ["a"]}, "'a' -> 'a'"),
        ({"a": ["b"], "b": ["a"]}, "'(a|b)' -> '(a|b)' -> '(a|b)'"),
        ({"x": [], "a": ["b", "x"], "b": ["c"], "c": ["a"]}, "'a' -> 'b' -> 'c' -> 'a'"),
    ],
)
def test_circle_is_named_in_the_order_of_need(tasks: dict[str, list[str]], circle: str) -> None:
    graph = TaskGraph()
    with pytest.raises(DependencyError, match="circle") as raised:
        graph.add(tasks)
    turned = str(raised.value).partition(": ")[2].split(" -> ")[:-1]
    for needing, needed in zip(turned, turned[1:] + turned[:1], strict=True):
        assert needed.strip("'") in tasks[needing.strip("'")]
    assert len(turned) == circle.count("->")
    graph.add({"a": []})


def test_changed_dependencies_may_not_close_a_circle() -> None:
    graph = TaskGraph()
    graph.add({"a": [], "b": ["a"], "c": ["b"]})
    with pytest.raises(DependencyError, match="circle"):
        graph.change("a", ["c"])
    assert set(graph.descendants("a")) == {"b", "c"}
    graph.change("b", [])
    graph.change("a", ["c"])
    assert set(graph.descendants("b")) == {"c", "a"}


def test_task_that_others_need_cannot_be_removed() -> None:
    graph = TaskGraph()
    graph.add({"a": [], "b": ["a"]})
    with pytest.raises(DependencyError, match="needed by 'b'"):
        graph.remove("a")
    graph.remove("b")
    graph.remove("a")


def test_dependency_named_twice_counts_once() -> None:
    graph = TaskGraph()
    graph.add({"a": [], "b": ["a", "a"]})
    graph.remove("b")
    assert list(graph.dependents("a")) == []


def test_dependency_error_is_a_value_error() -> None:
    assert issubclass(DependencyError, InvalidInputError)
    assert issubclass(DependencyError, ValueError)


class CountedId(str):
    """A task id that counts how often a table is asked about it: what planning costs, without a
    clock."""

    looked_up = 0
    __slots__ = ()

    def __hash__(self) -> int:
        CountedId.looked_up += 1
        return super().__hash__()

    __eq__ = str.__eq__


def look_ups(tasks: int) -> int:
    """Of planning so many tasks with five times as many edges."""
    dice = random.Random(5)
    names: list[str] = [CountedId(number) for number in range(tasks)]
    needs = {
        name: [names[dice.randrange(place)] for _ in range(5) if place]
        for place, name in enumerate(names)
    }
    CountedId.looked_up = 0
    TaskGraph().add(needs)
    return CountedId.looked_up


def test_planning_takes_work_in_proportion_to_the_tasks() -> None:
    few, many = look_ups(500), look_ups(4_000)
    assert few >= 500 * 5
    assert many < few * 8 * 1.1
