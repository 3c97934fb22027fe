"""What strikes workers, their connections, the broker and the store."""

from __future__ import annotations

from functools import partial
from typing import Final

from tests.model.steps import WHICH, one_of, step
from tests.model.workers import CLAIM_SECONDS, WorkerProcess
from tests.model.world import World

__all__ = ["FAULT_STEPS"]

_MOST_WORKERS: Final = 3
_fault = partial(step, is_fault=True)


@step(weight=6, when=lambda world: len(world.living) < _MOST_WORKERS)
def start(world: World) -> None:
    world.tell(f"{world.start_worker().name} is started")


@_fault(weight=2, when=lambda world: world.living, number=WHICH)
def kill(world: World, number: int) -> None:
    _kill(world, one_of(world.living, number))


@_fault(weight=2, when=lambda world: _busy(world), number=WHICH)
def kill_one_that_runs_a_task(world: World, number: int) -> None:
    """And wait until another worker may have its tasks."""
    _kill(world, one_of(_busy(world), number))
    if not world.serving:
        world.tell(f"{world.start_worker().name} is started")
    world.advance(CLAIM_SECONDS + 2)


@_fault(weight=2, when=lambda world: world.serving, number=WHICH)
def freeze(world: World, number: int) -> None:
    worker = one_of(world.serving, number)
    world.tell(f"{worker.name} freezes")
    world.act(worker.freeze)


@_fault(weight=2, when=lambda world: world.serving and world.broker.is_reachable, number=WHICH)
def freeze_beyond_its_claim(world: World, number: int) -> None:
    worker = one_of(world.serving, number)
    world.tell(f"{worker.name} freezes, its connection is closed and its claims lapse")
    world.act(worker.freeze)
    world.lose_connection(worker)
    world.advance(CLAIM_SECONDS + 1)


@step(weight=6, when=lambda world: world.frozen, number=WHICH)
def thaw(world: World, number: int) -> None:
    worker = one_of(world.frozen, number)
    world.tell(f"{worker.name} thaws")
    world.act(worker.thaw)


@_fault(weight=2, when=lambda world: world.serving, number=WHICH)
def drain(world: World, number: int) -> None:
    worker = one_of(world.serving, number)
    world.tell(f"{worker.name} drains")
    world.act(worker.drain)


@_fault(weight=6, when=lambda world: world.draining, number=WHICH)
def hurry(world: World, number: int) -> None:
    worker = one_of(world.draining, number)
    world.tell(f"{worker.name} is told to hurry")
    world.act(worker.hurry)


@_fault(weight=2, when=lambda world: world.broker.is_reachable)
def drop_connections(world: World) -> None:
    world.tell("every connection breaks")
    world.drop_connections()


@_fault(weight=3, when=lambda world: world.living and world.broker.is_reachable, number=WHICH)
def lose_connection(world: World, number: int) -> None:
    worker = one_of(world.living, number)
    world.tell(f"the connection of {worker.name} breaks")
    world.lose_connection(worker)


@_fault(weight=1, when=lambda world: world.broker.is_reachable)
def pause_the_broker(world: World) -> None:
    world.tell("the broker is away")
    world.pause_broker()


@step(weight=5, when=lambda world: not world.broker.is_reachable)
def resume_the_broker(world: World) -> None:
    world.tell("the broker is back")
    world.resume_broker()


@_fault(weight=1, when=lambda world: not world.broker.alarm.is_raised)
def raise_an_alarm(world: World) -> None:
    world.tell("the broker raises an alarm and takes no publishes")
    world.begin_alarm()


@step(weight=3, when=lambda world: world.broker.alarm.is_raised)
def end_the_alarm(world: World) -> None:
    world.tell("the alarm is over")
    world.end_alarm()


@_fault(weight=1, when=lambda world: world.shelf.is_reachable)
def lose_the_store(world: World) -> None:
    world.tell("the store is away")
    world.lose_store()


@step(weight=5, when=lambda world: not world.shelf.is_reachable)
def find_the_store(world: World) -> None:
    world.tell("the store is back")
    world.find_store()


@_fault(weight=1)
def empty_the_store(world: World) -> None:
    world.tell("the store loses everything")
    world.empty_store()


FAULT_STEPS: Final = (
    start,
    kill,
    kill_one_that_runs_a_task,
    freeze,
    freeze_beyond_its_claim,
    thaw,
    drain,
    hurry,
    drop_connections,
    lose_connection,
    pause_the_broker,
    resume_the_broker,
    raise_an_alarm,
    end_the_alarm,
    lose_the_store,
    find_the_store,
    empty_the_store,
)


def _busy(world: World) -> list[WorkerProcess]:
    running = {call.process for call in world.calls.waiting}
    return [worker for worker in world.living if worker.process in running]


def _kill(world: World, worker: WorkerProcess) -> None:
    world.tell(f"{worker.name} is killed")
    world.act(worker.kill)
