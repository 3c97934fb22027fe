"""Makes a history that breaks a promise as short and as simple as it gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.model.history import BrokenPromise
from tests.model.steps import PAUSES, Happening
from tests.model.walk import replayed

__all__ = ["shrunk"]

_ROUNDS: Final = 2
"""A simpler choice may make another step needless."""


def shrunk(happenings: list[Happening], broken: BrokenPromise) -> BrokenPromise:
    """The same broken in a shorter history."""
    shrinker = _Shrinker(happenings, broken)
    for _ in range(_ROUNDS):
        shrinker.leave_out()
        shrinker.simplify()
    return shrinker.broken


class _Shrinker:
    def __init__(self, happenings: list[Happening], broken: BrokenPromise) -> None:
        self.broken = broken
        self._happenings = happenings

    def leave_out(self) -> None:
        """Some of it, the largest parts and the latest ones first."""
        size = max(1, len(self._happenings) // 2)
        while size:
            for start in range(len(self._happenings) - size, -1, -size):
                self._take(self._happenings[:start] + self._happenings[start + size :])
            size //= 2

    def simplify(self) -> None:
        """Each step, one choice after the other."""
        for place, happening in enumerate(self._happenings):
            for name in (*happening.arguments, None):
                happenings = self._happenings
                simpler = _simpler(happenings[place], name)
                self._take([*happenings[:place], simpler, *happenings[place + 1 :]])

    def _take(self, happenings: list[Happening]) -> None:
        """If it is another one that is broken in the same way."""
        if happenings == self._happenings:
            return
        found = replayed(happenings)
        if found is not None and found.kind == self.broken.kind:
            self._happenings, self.broken = happenings, found


def _simpler(happening: Happening, name: str | None) -> Happening:
    """With the simplest choice of that argument; None stands for the pause."""
    if name is None:
        return replace(happening, pause=PAUSES[0])
    simplest = happening.step.choices[name][0]
    return replace(happening, arguments={**happening.arguments, name: simplest})
