"""The network between a program and a service fails, in each of the ways in which networks fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tests.faults.environment import HEARTBEAT_SECONDS
from tests.faults.fault import WORKER_STEPS, Fault
from tests.faults.gatekeeper import Reached
from tests.faults.history import Fact
from tests.faults.link import Direction, Link
from tests.faults.links import Service
from tests.faults.steps import Step
from tests.faults.world import World

__all__ = ["LINK_FAULTS"]

Harm = Callable[[Link], Awaitable[None]]

_SILENCE_SECONDS: Final = 4.0 * HEARTBEAT_SECONDS
_SHORT_SECONDS: Final = 1.0
_DELAY_SECONDS: Final = 0.2
_ANSWER_SECONDS: Final = 5.0


async def _reset(link: Link) -> None:
    link.reset()


async def _refuse(link: Link) -> None:
    await link.refuse()


async def _hold(link: Link) -> None:
    link.hold()


async def _hold_there(link: Link) -> None:
    link.hold(Direction.THERE)


async def _hold_back(link: Link) -> None:
    link.hold(Direction.BACK)


async def _delay(link: Link) -> None:
    link.delay(_DELAY_SECONDS)


async def _drip(link: Link) -> None:
    link.drip()


_HARMS: Final[dict[str, tuple[str, Harm, float]]] = {
    "reset": ("all connections are reset", _reset, 0.0),
    "refused": ("connections are reset, new ones refused for a second", _refuse, _SHORT_SECONDS),
    "silent": ("nothing passes and nothing is said", _hold, _SILENCE_SECONDS),
    "mute": ("what the program says does not arrive", _hold_there, _SILENCE_SECONDS),
    "deaf": ("what is said to the program does not arrive", _hold_back, _SILENCE_SECONDS),
    "slow": ("everything takes 200 ms longer", _delay, _SHORT_SECONDS),
    "dripping": ("data passes in small pieces", _drip, _SHORT_SECONDS),
}
_STEPS: Final[dict[Service, tuple[Step, ...]]] = {
    Service.BROKER: (Step.SUBMITTING, Step.ACCEPTED, *WORKER_STEPS),
    Service.REDIS: WORKER_STEPS,
    Service.PROVIDER: (Step.STARTED, Step.CALLED, Step.ANSWERED),
}


def _fault(service: Service, name: str) -> Fault:
    words, harm, seconds = _HARMS[name]

    async def strike(world: World, at: Reached) -> None:
        await harm(world.links.of(at.who, service))

    async def heal(world: World, at: Reached) -> None:
        await asyncio.sleep(seconds)
        link = world.links.of(at.who, service)
        link.heal_wires()
        await link.listen()

    return Fault(
        f"{service}-link-{name}",
        f"between whoever comes there and the {service}: {words}",
        _STEPS[service],
        strike=strike,
        heal=heal,
    )


async def _drip_answer(world: World, at: Reached) -> None:
    world.links.of(at.who, Service.PROVIDER).drip()


async def _reset_in_answer(world: World, at: Reached) -> None:
    await world.history.until(
        lambda: any(event.task == at.task for event in world.history.of(Fact.ANSWERED)),
        _ANSWER_SECONDS,
    )
    link = world.links.of(at.who, Service.PROVIDER)
    link.reset()
    link.heal_wires()


LINK_FAULTS: Final = (
    *(_fault(service, name) for service in Service for name in _HARMS),
    Fault(
        "provider-link-reset-in-answer",
        "the answer comes in small pieces, and the connection is reset after the first of them",
        (Step.CALLED,),
        strike=_drip_answer,
        heal=_reset_in_answer,
    ),
)
