"""Tasks that nobody wants any more, wherever they are, and whoever is there to hear of it."""

from __future__ import annotations

from typing import Final

from tests.faults.fault import FALLBACK_STEPS, WORKER_STEPS, Fault, Whom
from tests.faults.gatekeeper import Reached
from tests.faults.history import Fact
from tests.faults.operator_commands import run_llmbus
from tests.faults.programs import WORKER
from tests.faults.steps import Step
from tests.faults.world import World

__all__ = ["CANCELLATION_FAULTS", "FALLBACK_CANCELLATION_FAULTS"]

_NOTED_SECONDS: Final = 5.0
_CUT_SECONDS: Final = 6.0
_ANSWERS: Final = frozenset({Fact.CANCEL_ACCEPTED, Fact.CANCEL_REFUSED})
_WITHOUT_A_HANDLE: Final = frozenset({Step.SUBMITTING, Step.ACCEPTED})
"""There `submit` has not returned: only an operator, who knows the id, can cancel the task."""


async def _cancel(world: World, at: Reached) -> None:
    """While the task stands where it is. A call that runs is not answered before it is cut."""
    since = len(world.history.events)
    await _withdraw(world, at)
    if at.step is Step.CALLED:
        await world.history.until_since(
            since,
            lambda event: event.fact is Fact.ANSWERING and event.task == at.task,
            _CUT_SECONDS,
        )


async def _withdraw(world: World, at: Reached) -> None:
    """Return when it is known whether that was noted."""
    if at.step in _WITHOUT_A_HANDLE:
        code = await run_llmbus(world, "cancel", at.task)
        fact = Fact.CANCEL_REFUSED if code else Fact.CANCEL_ACCEPTED
        world.history.record(fact, "operator", at.task, note=f"exit code {code}")
        return
    since = len(world.history.events)
    world.gatekeeper.order(world.orchestrator, at.task)
    await world.history.until_since(
        since, lambda event: event.fact in _ANSWERS and event.task == at.task, _NOTED_SECONDS
    )


async def _cancel_unattended(world: World, at: Reached) -> None:
    for name in world.consumers_alive():
        if name.startswith(WORKER):
            world.kill(name)
            await world.programs[name].ended.wait()
    await _withdraw(world, at)


async def _send_workers(world: World, _: Reached) -> None:
    for _again in range(2):
        await world.start_worker(world.next_name(WORKER))


CANCELLATION_FAULTS: Final = (
    Fault(
        "task-cancelled",
        "the task that has come there is cancelled: by an operator before it has a handle, then"
        " by its orchestrator",
        (*sorted(_WITHOUT_A_HANDLE), *WORKER_STEPS),
        strike=_cancel,
        whom=Whom.WORKER,
    ),
    Fault(
        "task-unattended",
        "all workers are killed and the task is cancelled; others come and hear of it",
        (*sorted(_WITHOUT_A_HANDLE), Step.PUT_OFF),
        strike=_cancel_unattended,
        heal=_send_workers,
        whom=Whom.WORKER,
    ),
)
FALLBACK_CANCELLATION_FAULTS: Final = (
    Fault(
        "fallback-task-cancelled",
        "the orchestrator cancels the task that the fallback has, there",
        FALLBACK_STEPS,
        strike=_cancel,
        whom=Whom.FALLBACK,
    ),
)
