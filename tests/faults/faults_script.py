"""The scripts of the fallback go wrong, in each of the ways in which processes do."""

from __future__ import annotations

import signal
from typing import Final

from tests.faults.environment import SCRIPT_SECONDS
from tests.faults.fault import SCRIPT_STEPS, Fault, Whom
from tests.faults.gatekeeper import Reached
from tests.faults.history import Fact
from tests.faults.steps import Step
from tests.faults.world import World

__all__ = ["SCRIPT_FAULTS"]

_BEFORE_IT_BEGINS: Final = (Step.CLAIMING, Step.CLAIMED, Step.STARTED)
_END_SECONDS: Final = SCRIPT_SECONDS + 10.0

_SPOILT: Final = {
    "prints-garbage": "its call is paid, it prints what is no answer, the key too, and ends with 0",
    "prints-nothing": "its call is paid, it prints nothing and ends with 0",
    "crashes": "its call is paid, it ends by SIGABRT",
    "leaves-children": "it answers, and leaves children that hold its stdout and heed no SIGTERM",
}


async def _kill(world: World, at: Reached) -> None:
    world.scripts.send(at.task, signal.SIGKILL)


async def _kill_guard(world: World, at: Reached) -> None:
    world.scripts.kill_guard(at.task)


async def _stop(world: World, at: Reached) -> None:
    world.scripts.send(at.task, signal.SIGSTOP)


async def _ended(world: World, at: Reached) -> None:
    """It has had its time, and was ended although it heeds nothing but SIGKILL."""

    def over() -> bool:
        return any(event.task == at.task for event in world.history.of(Fact.SCRIPT_ENDED))

    await world.history.until(over, _END_SECONDS)


def _spoilt(how: str) -> Fault:
    async def strike(world: World, at: Reached) -> None:
        world.scripts.spoil(at.task, how)

    return Fault(
        f"script-{how}", _SPOILT[how], _BEFORE_IT_BEGINS, strike=strike, whom=Whom.FALLBACK
    )


SCRIPT_FAULTS: Final = (
    Fault(
        "script-killed",
        "SIGKILL to the script, as by a system that is out of memory",
        SCRIPT_STEPS,
        strike=_kill,
        whom=Whom.FALLBACK,
    ),
    Fault(
        "script-guard-killed",
        "SIGKILL to the process that guards the script",
        SCRIPT_STEPS,
        strike=_kill_guard,
        whom=Whom.FALLBACK,
    ),
    Fault(
        "script-hangs",
        "SIGSTOP to the script: it outlasts its time limit",
        SCRIPT_STEPS,
        strike=_stop,
        heal=_ended,
        whom=Whom.FALLBACK,
    ),
    *map(_spoilt, _SPOILT),
)
