"""What one step of a history is: something that happens, in one of several ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from tests.model.world import World

__all__ = ["PAUSES", "WHICH", "Happening", "Step", "one_of", "step"]

_Item = TypeVar("_Item")
PAUSES: Final = (0.0, 0.1, 0.05, 0.2, 0.3, 1.0, 3.0)
"""How long nothing happens after a step, so that the next one strikes amid what goes on."""
WHICH: Final = tuple(range(6))
"""For `one_of`."""


@dataclass(frozen=True)
class Step:
    """A kind of step. Of all choices the first is the simplest."""

    happen: Callable[..., None]
    choices: Mapping[str, Sequence[Any]]
    when: Callable[[World], object]
    """Truthy where it can happen."""
    weight: int
    """How often it is taken, compared with the others."""
    is_fault: bool

    @property
    def name(self) -> str:
        return self.happen.__name__.replace("_", " ")


@dataclass(frozen=True)
class Happening:
    """One step, as it was taken."""

    step: Step
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pause: float = 0.0


def step(
    *,
    weight: int,
    when: Callable[[World], object] = lambda world: True,
    is_fault: bool = False,
    **choices: Sequence[Any],
) -> Callable[[Callable[..., None]], Step]:
    """Makes a step of a function that changes a `World`."""

    def make(happen: Callable[..., None]) -> Step:
        return Step(happen, choices, when, weight, is_fault)

    return make


def one_of(items: Sequence[_Item], number: int) -> _Item:
    """Any of them, by a number that shrinks to the first."""
    return items[number % len(items)]
