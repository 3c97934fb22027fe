"""Strikes when the plan says so, and heals."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

from llmbus.worker.provider_simulator import Behaviour
from tests.faults.catalogue import CATALOGUE
from tests.faults.fault import Fault, Whom
from tests.faults.faults_broker import BROKER_FAULTS
from tests.faults.faults_vhost import VHOST_FAULTS
from tests.faults.gatekeeper import Reached
from tests.faults.history import Event, Fact
from tests.faults.plan import Injection, Plan
from tests.faults.programs import FALLBACK
from tests.faults.steps import Step
from tests.faults.world import World

__all__ = ["Director"]

_REDELIVERY_SECONDS: Final = 3.0
_AT_THE_BROKER: Final = frozenset(fault.name for fault in (*BROKER_FAULTS, *VHOST_FAULTS))
_OVERLOADED: Final = Behaviour(status=529, times=4)
"""Enough for the latest strike that a plan may draw."""


class Director:
    """Hears of every step that anybody reaches. Its errors end the run: see `healed`."""

    def __init__(self, plan: Plan, world: World) -> None:
        self._world = world
        self._left = [each for each in plan.injections if each.step is not None]
        self._at_start = [each for each in plan.injections if each.step is None]
        self._reached: Counter[tuple[Step, Whom]] = Counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._retired = False
        self._broker = asyncio.Lock()
        world.on_reached = self._on_reached

    @property
    def not_reached(self) -> list[Injection]:
        """What never struck, because nobody came to that step so often."""
        return self._left

    async def prepare(self) -> None:
        """Before the tasks: what is wrong from the start."""
        for injection in self._at_start:
            self._world.history.record(Fact.STRUCK, note=injection.fault)
            await CATALOGUE[injection.fault].prepare(self._world)
        if any(injection.step is Step.PUT_OFF for injection in self._left):
            self._world.provider.script(_OVERLOADED)

    @property
    def is_healed(self) -> bool:
        """Whether all that has struck is healed."""
        return all(task.done() for task in self._tasks)

    async def healed(self) -> None:
        """Return when all that has struck is healed."""
        while not self.is_healed:
            await asyncio.wait(self._tasks)
        for task in self._tasks:
            task.result()

    def retire(self) -> None:
        """From now on nothing strikes."""
        self._retired = True

    async def stop(self) -> None:
        """Leave everything as it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_reached(self, at: Reached) -> asyncio.Future[None]:
        whom = {Whom.ANYBODY, Whom.FALLBACK if at.who.startswith(FALLBACK) else Whom.WORKER}
        self._reached.update((at.step, each) for each in whom)
        go = asyncio.get_running_loop().create_future()
        due = [
            each
            for each in self._left
            if each.step is at.step and not self._retired
            if (aimed := CATALOGUE[each.fault].whom) in whom
            and each.nth <= self._reached[at.step, aimed]
        ]
        if due:
            self._left.remove(due[0])
            self._tasks.append(asyncio.create_task(self._strike(due[0], at, go)))
        else:
            go.set_result(None)
        return go

    async def _strike(self, injection: Injection, at: Reached, go: asyncio.Future[None]) -> None:
        fault = CATALOGUE[injection.fault]
        history = self._world.history
        async with self._turn_of(fault):
            try:
                struck = history.record(
                    Fact.STRUCK, at.who, at.task, note=f"{injection.fault} at {at.step}"
                )
                await fault.strike(self._world, at)
                if at.step is Step.CALLED:
                    await self._redelivered(at, struck)
            finally:
                if not go.done():
                    go.set_result(None)
            await fault.heal(self._world, at)
            history.record(Fact.HEALED, at.who, note=injection.fault)

    def _turn_of(self, fault: Fault) -> AbstractAsyncContextManager[object]:
        """A node that starts cannot be stopped, nor one that is gone be given a command."""
        return self._broker if fault.name in _AT_THE_BROKER else nullcontext()

    async def _redelivered(self, at: Reached, struck: Event) -> None:
        """Let the call go on until the task has come to a worker again, if it does: that is when a
        second call could begin. None can once it is answered without this one."""

        def again(event: Event) -> bool:
            return event.fact in {Fact.DELIVERED, Fact.GIVEN} and event.task == at.task

        await self._world.history.until_since(struck.place, again, _REDELIVERY_SECONDS)
