"""Programs are killed, told to stop, frozen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from tests.faults.environment import HEARTBEAT_SECONDS
from tests.faults.fault import FALLBACK_STEPS, WORKER_STEPS, Fault, Whom
from tests.faults.gatekeeper import Reached
from tests.faults.history import Event, Fact
from tests.faults.steps import BLOCKING, Step
from tests.faults.world import World

__all__ = ["FALLBACK_PROCESS_FAULTS", "PROCESS_FAULTS"]

_LONGER_THAN_HEARTBEATS_SECONDS: Final = 4.0 * HEARTBEAT_SECONDS
_REDELIVERY_SECONDS: Final = 8.0
"""A broker misses a frozen client after two to three heartbeats."""


async def _kill(world: World, at: Reached) -> None:
    if world.lives(at.who):
        world.kill(at.who)
        await world.programs[at.who].ended.wait()


async def _replace(world: World, at: Reached) -> None:
    await world.replace(at.who)


async def _tell_to_stop(world: World, at: Reached) -> None:
    if not world.lives(at.who):
        return
    world.tell_to_stop(at.who)
    if at.step not in BLOCKING:
        await world.until_logged(at.who, "worker_draining")


async def _freeze(world: World, at: Reached) -> None:
    world.freeze(at.who)


async def _thaw_when_replaced(world: World, at: Reached) -> None:
    """While another worker runs the task: any claim on it must have lapsed."""
    await _thaw_after(Fact.STARTED, world, at)


async def _thaw_when_answered(world: World, at: Reached) -> None:
    """When another worker has answered for it."""
    await _thaw_after(Fact.ANSWER_CONFIRMED, world, at)


async def _thaw_after(fact: Fact, world: World, at: Reached) -> None:
    since = next(
        event.place for event in reversed(world.history.events) if event.fact is Fact.FROZEN
    )

    def elsewhere(event: Event) -> bool:
        return event.fact is fact and event.task == at.task and event.who != at.who

    await world.history.until_since(since, elsewhere, _REDELIVERY_SECONDS)
    world.thaw(at.who)


async def _stall(world: World, at: Reached) -> None:
    """Whoever stands at such a step does nothing else, as where code blocks the event loop: for the
    oracle it is frozen."""
    world.history.record(Fact.FROZEN, at.who)
    await asyncio.sleep(_LONGER_THAN_HEARTBEATS_SECONDS)
    world.history.record(Fact.THAWED, at.who)


async def _kill_orchestrator(world: World, at: Reached) -> None:
    await _kill(world, replace(at, who=world.orchestrator))


async def _restart_orchestrator(world: World, _: Reached) -> None:
    """It submits again what it does not know to be accepted, as after any crash."""
    accepted = {event.task for event in world.history.of(Fact.ACCEPTED)}
    left = [task for task in world.tasks if task.task_id not in accepted]
    await world.start_orchestrator(left)


def _of(kind: str, steps: tuple[Step, ...], whom: Whom) -> tuple[Fault, ...]:
    return (
        Fault(
            f"{kind}-killed",
            f"SIGKILL to the {kind}; another one is started",
            steps,
            strike=_kill,
            heal=_replace,
            whom=whom,
        ),
        Fault(
            f"{kind}-told-to-stop",
            f"SIGTERM to the {kind}; another one is started",
            steps,
            strike=_tell_to_stop,
            heal=_replace,
            whom=whom,
        ),
        Fault(
            f"{kind}-frozen",
            f"SIGSTOP to the {kind} until another one runs the task, then SIGCONT",
            steps,
            strike=_freeze,
            heal=_thaw_when_replaced,
            whom=whom,
        ),
        Fault(
            f"{kind}-frozen-long",
            f"SIGSTOP to the {kind} until another one has answered, then SIGCONT",
            steps,
            strike=_freeze,
            heal=_thaw_when_answered,
            whom=whom,
        ),
    )


async def _start_without_key(world: World) -> None:
    await world.start_worker_without_key()


FALLBACK_PROCESS_FAULTS: Final = (
    *_of("fallback", FALLBACK_STEPS, Whom.FALLBACK),
    Fault(
        "worker-without-key",
        "one more worker has no key for the provider: its tasks are for the fallback",
        prepare=_start_without_key,
        whom=Whom.FALLBACK,
    ),
)
PROCESS_FAULTS: Final = (
    *_of("worker", WORKER_STEPS, Whom.WORKER),
    Fault(
        "worker-stalled",
        "the worker's event loop is blocked for longer than heartbeats and claims bear",
        tuple(sorted(BLOCKING)),
        strike=_stall,
    ),
    Fault(
        "orchestrator-killed",
        "SIGKILL to the orchestrator; it is started again under its name",
        (Step.SUBMITTING, Step.ACCEPTED, Step.CALLED, Step.CONFIRMED),
        strike=_kill_orchestrator,
        heal=_restart_orchestrator,
    ),
)
