"""One history of one world: step after step, each checked, and then the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from re import sub
from typing import ClassVar, Final

from tests.model.ending import bring_to_an_end
from tests.model.fault_steps import FAULT_STEPS
from tests.model.invariants import broken_now
from tests.model.steps import Happening, Step
from tests.model.task_steps import TASK_STEPS
from tests.model.world import World

__all__ = ["STEPS", "BrokenPromise", "History"]

STEPS: Final = TASK_STEPS + FAULT_STEPS


class BrokenPromise(AssertionError):
    """What was promised and not kept; the message tells what happened before."""

    def __init__(self, broken: list[str], story: list[str]) -> None:
        self.broken = broken
        self.kind = sub(r"\(.*?\)|\d", "", broken[0])
        """The same for whatever is broken in the same way."""
        lines = "\n".join(_without_repeats(story))
        super().__init__("; ".join(broken) + f"\n\nWhat happened:\n{lines}")


def _without_repeats(story: list[str]) -> Iterator[str]:
    """What happens over and over again, once, with how often that was."""
    for _, repeats in groupby(story, key=lambda line: line.split(maxsplit=1)[1]):
        first, *others = repeats
        yield f"{first}, and {len(others)} times more" if others else first


class History:
    """Close it. Two workers serve when it begins."""

    counts: ClassVar[Counter[str]] = Counter()
    """How often each step was taken in this process."""

    def __init__(self) -> None:
        self.world = World()
        for _ in range(2):
            self.world.start_worker()
        self.world.advance(1)

    def possible(self) -> list[Step]:
        return [step for step in STEPS if step.when(self.world)]

    def follow(self, happening: Happening) -> None:
        """Let it happen; `BrokenPromise` if something is wrong afterwards."""
        self.counts[happening.step.name] += 1
        happening.step.happen(self.world, **happening.arguments)
        self.world.advance(happening.pause)
        self.world.settle()
        self._require(broken_now(self.world))

    def end(self) -> None:
        """Let every fault heal and every task end; `BrokenPromise` if one does not."""
        self._require(bring_to_an_end(self.world))

    def close(self) -> None:
        self.world.close()

    def _require(self, broken: list[str]) -> None:
        if broken:
            raise BrokenPromise(broken, self.world.journal.story)
