"""What a fault is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from llmbus.shared.store.interface import Store
from tests.faults.gatekeeper import Reached
from tests.faults.steps import Step
from tests.faults.world import World

__all__ = ["FALLBACK_STEPS", "SCRIPT_STEPS", "WORKER_STEPS", "Fault", "Prepare", "Strike", "Whom"]

Prepare = Callable[[World], Awaitable[None]]
Strike = Callable[[World, Reached], Awaitable[None]]

_CLAIM_STEPS = (Step.CLAIMING, Step.CLAIMED, Step.STORING) if hasattr(Store, "claim") else ()
WORKER_STEPS = (
    Step.DELIVERED,
    *_CLAIM_STEPS,
    Step.STARTED,
    Step.CALLED,
    Step.ANSWERED,
    Step.ANSWERING,
    Step.CONFIRMED,
    Step.PUT_OFF,
    Step.ACKING,
)
SCRIPT_STEPS = (Step.SCRIPT, Step.CALLED, Step.ANSWERED)
"""Where the script of a task runs."""
FALLBACK_STEPS = (*(step for step in WORKER_STEPS if step is not Step.PUT_OFF), Step.SCRIPT)
"""A fallback makes one attempt, and puts nothing off to another."""


class Whom(Enum):
    """Who must come to the step for a fault to strike."""

    ANYBODY = auto()
    WORKER = auto()
    """Anybody but the fallback: a worker, or the orchestrator."""
    FALLBACK = auto()
    """A fallback consumer, or a script of its."""


async def _nothing(*_: object) -> None:
    return


@dataclass(frozen=True)
class Fault:
    """One kind of harm. Its name begins with what it hits."""

    name: str
    words: str
    """What happens, for people."""
    steps: tuple[Step, ...] = ()
    """Where it may strike; empty: it is prepared before the tasks come."""
    prepare: Prepare = _nothing
    """Before any task is submitted; the workers are ready."""
    strike: Strike = _nothing
    """While whoever reached the step stands there. When it returns, they go on."""
    heal: Strike = _nothing
    """After they have been let go. The run does not end before this returns."""
    own_broker: bool = False
    """Whether it harms the whole node."""
    every_task_in_hand: bool = False
    """Whether it destroys what waits in the lane: then no more tasks are submitted than there are
    slots, and it strikes when all are in the hands of workers."""
    whom: Whom = Whom.ANYBODY
