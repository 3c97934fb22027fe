"""Which task waits for which: the dependencies of a project, without any state of the tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import cast

from llmbus.shared.errors import DependencyError

__all__ = ["TaskGraph"]


class TaskGraph:
    """A graph of task ids that never holds an unknown dependency or a cycle."""

    def __init__(self) -> None:
        self._dependencies: dict[str, Collection[str]] = {}
        self._dependents: dict[str, dict[str, None]] = {}

    def add(self, dependencies: Mapping[str, Collection[str]]) -> None:
        """Add new tasks, each with what it depends on: tasks that are here or among the new ones,
        in any order. All of them or, on `DependencyError`, none."""
        for task_id, needed in dependencies.items():
            self._require_known(task_id, needed, dependencies)
        _require_no_cycle(dependencies)  # what is here already depends on nothing new
        for task_id in dependencies:
            self._dependents[task_id] = {}
        for task_id, needed in dependencies.items():
            self._link(task_id, needed)

    def change(self, task_id: str, needed: Collection[str]) -> None:
        """Let a task depend on these instead; `DependencyError` leaves all as it was."""
        self._require_known(task_id, needed, {})
        _require_no_cycle({**self._dependencies, task_id: needed})
        self._unlink(task_id)
        self._link(task_id, needed)

    def remove(self, task_id: str) -> None:
        """Forget a task; `DependencyError` while others depend on it."""
        if dependents := self._dependents[task_id]:
            names = ", ".join(map(repr, dependents))
            raise DependencyError(f"task {task_id!r} cannot be removed: needed by {names}")
        self._unlink(task_id)
        del self._dependents[task_id], self._dependencies[task_id]

    def dependents(self, task_id: str) -> Collection[str]:
        """The tasks that name this one as a dependency."""
        return self._dependents[task_id].keys()

    def descendants(self, *task_ids: str) -> Iterator[str]:
        """Every task that waits for one of these, by way of others, too; each once."""
        seen: set[str] = set()
        reached = list(task_ids)
        while reached:
            for dependent in self._dependents[reached.pop()]:
                if dependent not in seen:
                    seen.add(dependent)
                    reached.append(dependent)
                    yield dependent

    def _require_known(
        self, task_id: str, needed: Collection[str], added: Mapping[str, object]
    ) -> None:
        for dependency in needed:
            if dependency not in self._dependents and dependency not in added:
                raise DependencyError(
                    f"task {task_id!r} depends on {dependency!r}, which is not in the project:"
                    " add it first, or in the same call"
                )

    def _link(self, task_id: str, needed: Collection[str]) -> None:
        self._dependencies[task_id] = tuple(needed)
        for dependency in needed:
            self._dependents[dependency][task_id] = None

    def _unlink(self, task_id: str) -> None:
        for dependency in self._dependencies[task_id]:
            self._dependents[dependency].pop(task_id, None)


def _require_no_cycle(dependencies: Mapping[str, Collection[str]]) -> None:
    try:
        TopologicalSorter(dependencies).prepare()
    except CycleError as error:
        # graphlib gives the cycle in the order in which work would flow; people read "needs".
        cycle = " -> ".join(map(repr, reversed(cast("list[str]", error.args[1]))))
        raise DependencyError(f"tasks depend on each other in a circle: {cycle}") from None
