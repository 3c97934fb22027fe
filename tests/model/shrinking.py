"""Makes a history that breaks a promise as short and as simple as it gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.model.history import BrokenPromise
from tests.model.steps import PAUSES, Happening
from tests.model.walk import replayed

__all__ = ["shrunk"]

_MOST_REPLAYS = 1_500


def shrunk(happenings: list[Happening], broken: BrokenPromise) -> BrokenPromise:
    """The same in a shorter history."""
    replays = 0
    smaller = True
    while smaller:
        smaller = False
        for candidate in _simpler(happenings):
            replays += 1
            if replays > _MOST_REPLAYS:
                return broken
            if (found := replayed(candidate)) is not None and found.kind == broken.kind:
                happenings, broken, smaller = candidate, found, True
                break
    return broken


def _simpler(happenings: list[Happening]) -> Iterator[list[Happening]]:
    """Without some of it, the largest parts first; then the same with simpler choices."""
    size = len(happenings) // 2
    while size:
        for start in range(len(happenings) - size, -1, -size):
            yield happenings[:start] + happenings[start + size :]
        size //= 2
    for place, happening in enumerate(happenings):
        for simpler in _simpler_choices(happening):
            yield [*happenings[:place], simpler, *happenings[place + 1 :]]


def _simpler_choices(happening: Happening) -> Iterator[Happening]:
    for pause in PAUSES[: PAUSES.index(happening.pause)]:
        yield replace(happening, pause=pause)
    for name, value in happening.arguments.items():
        choices = happening.step.choices[name]
        for choice in choices[: choices.index(value)]:
            yield replace(happening, arguments={**happening.arguments, name: choice})
