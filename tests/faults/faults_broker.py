"""The broker is killed, restarted, frozen, out of memory or disk, impatient."""

from __future__ import annotations

import asyncio
from typing import Final

from llmbus.worker.provider_simulator import Behaviour
from tests.faults.environment import HEARTBEAT_SECONDS
from tests.faults.fault import WORKER_STEPS, Fault
from tests.faults.gatekeeper import Reached
from tests.faults.history import Fact
from tests.faults.steps import Step
from tests.faults.world import World
from tests.services import PrivateBroker

__all__ = ["BROKER_FAULTS"]

_EVERYWHERE: Final = (Step.SUBMITTING, Step.ACCEPTED, *WORKER_STEPS)
_LONGER_THAN_HEARTBEATS_SECONDS: Final = 4.0 * HEARTBEAT_SECONDS
_ALARM_SECONDS: Final = 3.0
_IMPATIENCE_SECONDS: Final = 1.0
_TAKEN_BACK_SECONDS: Final = 10.0
_DEFAULT_PATIENCE_SECONDS: Final = (1800.0, 60.0)
"""Consumer timeout, and how often it is looked at."""


def _node(world: World) -> PrivateBroker:
    if world.broker.node is None:
        raise RuntimeError("this fault needs a broker that the suite may kill")
    return world.broker.node


async def _kill(world: World, _: Reached) -> None:
    await asyncio.to_thread(_node(world).kill9)


async def _stop(world: World, _: Reached) -> None:
    await asyncio.to_thread(_node(world).stop)


async def _start(world: World, _: Reached) -> None:
    await asyncio.to_thread(_node(world).start)


async def _freeze(world: World, _: Reached) -> None:
    _node(world).freeze()


async def _thaw(world: World, _: Reached) -> None:
    await asyncio.sleep(_LONGER_THAN_HEARTBEATS_SECONDS)
    _node(world).thaw()


async def _raise_alarm(world: World, _: Reached) -> None:
    await asyncio.to_thread(_node(world).raise_memory_alarm)


async def _clear_alarm(world: World, _: Reached) -> None:
    await asyncio.sleep(_ALARM_SECONDS)
    await asyncio.to_thread(_node(world).clear_memory_alarm)


async def _raise_disk_alarm(world: World, _: Reached) -> None:
    await asyncio.to_thread(_node(world).ctl, "set_disk_free_limit", "1000000GB")


async def _clear_disk_alarm(world: World, _: Reached) -> None:
    await asyncio.sleep(_ALARM_SECONDS)
    await asyncio.to_thread(_node(world).ctl, "set_disk_free_limit", "1MB")


async def _set_patience(world: World, timeout_seconds: float, tick_seconds: float) -> None:
    """Of channels that are opened from now on."""
    timeout, tick = round(1000 * timeout_seconds), round(1000 * tick_seconds)
    settings = (
        f"application:set_env(rabbit, consumer_timeout, {timeout}),"
        f" application:set_env(rabbit, channel_tick_interval, {tick})."
    )
    await asyncio.to_thread(_node(world).ctl, "eval", settings)


async def _lose_patience(world: World, _: Reached) -> None:
    await _set_patience(world, _IMPATIENCE_SECONDS, _IMPATIENCE_SECONDS / 4)
    await world.broker.api.drop_connections(world.vhost)
    world.provider.script(Behaviour(latency_seconds=3 * _IMPATIENCE_SECONDS, times=2))


async def _be_patient_again(world: World, _: Reached) -> None:
    """Once a task that runs has been taken back, and handed out again."""
    since = len(world.history.events)
    await world.history.until_since(
        since,
        lambda event: event.fact in {Fact.ADOPTED, Fact.RETRY_CONFIRMED},
        _TAKEN_BACK_SECONDS,
    )
    await _set_patience(world, *_DEFAULT_PATIENCE_SECONDS)


BROKER_FAULTS: Final = (
    Fault(
        "broker-killed",
        "kill -9 to the broker, then a start",
        _EVERYWHERE,
        strike=_kill,
        heal=_start,
        own_broker=True,
    ),
    Fault(
        "broker-restarted",
        "the broker stops in order and starts again",
        _EVERYWHERE,
        strike=_stop,
        heal=_start,
        own_broker=True,
    ),
    Fault(
        "broker-frozen",
        "SIGSTOP to the broker for longer than the heartbeats bear, then SIGCONT",
        _EVERYWHERE,
        strike=_freeze,
        heal=_thaw,
        own_broker=True,
    ),
    Fault(
        "broker-memory-alarm",
        "the broker reads nothing from publishers for three seconds",
        _EVERYWHERE,
        strike=_raise_alarm,
        heal=_clear_alarm,
        own_broker=True,
    ),
    Fault(
        "broker-disk-alarm",
        "the broker's disk is full for three seconds",
        _EVERYWHERE,
        strike=_raise_disk_alarm,
        heal=_clear_disk_alarm,
        own_broker=True,
    ),
    Fault(
        "broker-impatient",
        "calls outlast the consumer timeout, of which the workers have not been told",
        (Step.SUBMITTING,),
        strike=_lose_patience,
        heal=_be_patient_again,
        own_broker=True,
    ),
)
