"""Histories at random: cheap to make, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from tests.model.history import STEPS, BrokenPromise, History
from tests.model.steps import PAUSES, Happening, Step

__all__ = ["replayed", "walked"]

_FAULTINESS: Final = (0.0, 0.0, 0.3, 1.0, 3.0)
"""By how much one history has more of a fault than another: most have only a few kinds."""


def walked(seed: int, length: int) -> tuple[list[Happening], BrokenPromise | None]:
    """One history of so many steps, and what was broken in it."""
    choose = random.Random(seed)
    steps = choose.randint(length // 3, length)
    weights = {
        step.name: step.weight * (choose.choice(_FAULTINESS) if step.is_fault else 1.0)
        for step in STEPS
    }
    taken: list[Happening] = []
    random.seed(0)  # for what the worker leaves to chance
    history = History()
    try:
        for _ in range(steps):
            taken.append(_next(history, weights, choose))
            history.follow(taken[-1])
        history.end()
    except BrokenPromise as broken:
        return taken, broken
    finally:
        history.close()
    return taken, None


def replayed(happenings: Sequence[Happening]) -> BrokenPromise | None:
    """What is broken if this happens; what cannot happen any more is left out."""
    random.seed(0)
    history = History()
    try:
        for happening in happenings:
            if happening.step.when(history.world):
                history.follow(happening)
        history.end()
    except BrokenPromise as broken:
        return broken
    finally:
        history.close()
    return None


def _next(history: History, weights: dict[str, float], choose: random.Random) -> Happening:
    possible = [step for step in history.possible() if weights[step.name]]
    step: Step = choose.choices(possible, [weights[each.name] for each in possible])[0]
    arguments = {name: choose.choice(values) for name, values in step.choices.items()}
    return Happening(step, arguments, choose.choice(PAUSES))
