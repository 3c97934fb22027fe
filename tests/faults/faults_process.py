"""Programs are killed, told to stop, frozen."""

from __future__ import annotations

from typing import Final

from tests.faults.environment import CLAIM_SECONDS
from tests.faults.fault import WORKER_STEPS, Fault
from tests.faults.gatekeeper import Reached
from tests.faults.history import Event, Fact
from tests.faults.steps import Step
from tests.faults.world import ORCHESTRATOR, World

__all__ = ["PROCESS_FAULTS"]

_REDELIVERY_SECONDS: Final = 8.0
"""A broker misses a frozen client after two to three heartbeats."""


async def _kill(world: World, at: Reached) -> None:
    world.kill(at.who)
    await world.programs[at.who].ended.wait()


async def _replace_worker(world: World, at: Reached) -> None:
    await world.start_worker(f"{at.who}-next")


async def _tell_to_stop(world: World, at: Reached) -> None:
    world.tell_to_stop(at.who)
    await world.until_logged(at.who, "worker_draining")


async def _freeze(world: World, at: Reached) -> None:
    world.freeze(at.who)


async def _thaw_when_replaced(world: World, at: Reached) -> None:
    """After another worker has the task, and after any claim on it must have lapsed."""
    since = len(world.history.events)

    def elsewhere(event: Event) -> bool:
        return event.fact is Fact.STARTED and event.task == at.task and event.who != at.who

    await world.until_since(since, elsewhere, _REDELIVERY_SECONDS)
    await world.until(lambda: False, 2 * CLAIM_SECONDS)
    world.thaw(at.who)


async def _restart_orchestrator(world: World, _: Reached) -> None:
    """It submits again what it does not know to be accepted, as after any crash."""
    accepted = {event.task for event in world.history.of(Fact.ACCEPTED)}
    left = [task for task in world.tasks if task.task_id not in accepted]
    await world.start_orchestrator(left, f"{ORCHESTRATOR}-next")


PROCESS_FAULTS: Final = (
    Fault(
        "worker-killed",
        "SIGKILL to the worker; another one is started",
        WORKER_STEPS,
        strike=_kill,
        heal=_replace_worker,
    ),
    Fault(
        "worker-told-to-stop",
        "SIGTERM to the worker; another one is started",
        WORKER_STEPS,
        strike=_tell_to_stop,
        heal=_replace_worker,
    ),
    Fault(
        "worker-frozen",
        "SIGSTOP to the worker for longer than a claim lives, then SIGCONT",
        WORKER_STEPS,
        strike=_freeze,
        heal=_thaw_when_replaced,
    ),
    Fault(
        "orchestrator-killed",
        "SIGKILL to the orchestrator; it is started again under its name",
        (Step.SUBMITTING, Step.ACCEPTED, Step.CALLED, Step.CONFIRMED),
        strike=lambda world, _: _kill(world, Reached(Step.SUBMITTING, ORCHESTRATOR, "", 0)),
        heal=_restart_orchestrator,
    ),
)
