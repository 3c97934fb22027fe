"""The end of a run: every fault heals, and then every task has to end."""

from __future__ import annotations

from typing import Final

from tests.model.invariants import broken_at_the_end, broken_now
from tests.model.workers import GRACE_SECONDS
from tests.model.world import World

__all__ = ["bring_to_an_end"]

_STEP_SECONDS: Final = 5.0
_MOST_STEPS: Final = 24
_DRAIN_SECONDS: Final = GRACE_SECONDS + 15.0 + 10.0


def bring_to_an_end(world: World) -> list[str]:
    """Heal, wait, drain; what was broken by then."""
    _heal(world)
    for _ in range(_MOST_STEPS):
        world.advance(_STEP_SECONDS)
        if not broken_at_the_end(world.journal):
            break
    broken = broken_at_the_end(world.journal) + broken_now(world)
    return broken or _drain(world)


def _heal(world: World) -> None:
    world.tell("everything heals, and whoever is asked answers")
    if not world.broker.is_reachable:
        world.resume_broker()
    if world.broker.alarm.is_raised:
        world.end_alarm()
    if not world.shelf.is_reachable:
        world.find_store()
    for worker in world.frozen:
        world.act(worker.thaw)
    world.act(world.calls.open)
    world.start_worker()


def _drain(world: World) -> list[str]:
    living = world.living
    for worker in living:
        world.act(worker.drain)
    world.advance(_DRAIN_SECONDS)
    late = [f"{worker.name} does not end" for worker in living if not worker.is_over]
    return late + broken_at_the_end(world.journal) + broken_now(world)
