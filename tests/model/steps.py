"""What every rule of the model stands on: the world, its clock, and the story told so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.model.world import World

__all__ = ["ModelMachine", "one_of", "step", "which"]

_Item = TypeVar("_Item")
_PAUSES = st.sampled_from((0.0, 0.1, 0.05, 0.2, 0.3, 1.0, 3.0))
which = st.integers(0, 5)
"""For `one_of`."""


class ModelMachine(RuleBasedStateMachine):
    """One history of one world."""

    counts: ClassVar[Counter[str]] = Counter()
    """How often each rule was followed in this process."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.is_broken = False

    def tell(self, sentence: str) -> None:
        self.world.tell(sentence)

    def require(self, broken: list[str]) -> None:
        if broken:
            self.is_broken = True
            story = "\n".join(self.world.journal.story)
            raise AssertionError("; ".join(broken) + f"\n\nWhat happened:\n{story}")


def step(**drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A rule after which some time may pass, so that the next one strikes amid what goes on."""

    def decorate(happen: Callable[..., None]) -> Any:
        @wraps(happen)
        def happen_and_wait(self: ModelMachine, then: float, **values: Any) -> None:
            self.counts[happen.__name__] += 1
            happen(self, **values)
            self.world.advance(then)

        follow: Callable[..., Any] = rule
        return follow(then=_PAUSES, **drawn)(happen_and_wait)

    return decorate


def one_of(items: list[_Item], number: int) -> _Item:
    """Any of them, by a number that shrinks to the first."""
    return items[number % len(items)]
