"""The behaviours that wait for calls."""

from __future__ import annotations

from collections.abc import Iterable

from llmbus.worker.provider_simulator.behaviour import Behaviour, Vendor

__all__ = ["Script"]


class Script:
    """Behaviours in the order in which they were given, each for its `times` calls."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Behaviour, int]] = []

    def __len__(self) -> int:
        return sum(times for _, times in self._waiting)

    def add(self, behaviours: Iterable[Behaviour]) -> None:
        """After those that wait already."""
        self._waiting += [(behaviour, behaviour.times or 1) for behaviour in behaviours]

    def take(self, vendor: Vendor, model: str, prompt: str) -> Behaviour | None:
        """The first that is for such a call, if there is one; it then waits for one call less."""
        for place, (behaviour, times) in enumerate(self._waiting):
            if behaviour.only_for.fits(vendor, model, prompt):
                if times > 1:
                    self._waiting[place] = (behaviour, times - 1)
                else:
                    del self._waiting[place]
                return behaviour
        return None

    def forget(self) -> None:
        """Drop all that wait."""
        self._waiting.clear()
