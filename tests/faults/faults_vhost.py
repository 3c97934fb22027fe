"""What an administrator can do to a vhost under programs that use it: close connections, delete
queues, let them be full, take permissions away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from httpx2 import HTTPStatusError

from llmbus.shared.bus.rabbitmq import RabbitmqBus
from tests.faults.environment import LANE, ORCHESTRATOR_NAME
from tests.faults.fault import WORKER_STEPS, Fault
from tests.faults.gatekeeper import Reached
from tests.faults.history import Fact
from tests.faults.operator_commands import run_llmbus_until_done
from tests.faults.steps import Step
from tests.faults.world import World
from tests.support.waiting import eventually

__all__ = ["VHOST_FAULTS"]

_EVERYWHERE: Final = (Step.SUBMITTING, Step.ACCEPTED, *WORKER_STEPS)
_IN_HAND_SECONDS: Final = 10.0
_TROUBLE_SECONDS: Final = 3.0
_NO_LIMIT: Final = 1_000_000
_EVERYTHING: Final = {"configure": ".*", "write": ".*", "read": ".*"}
_NOTHING: Final = {"configure": "^$", "write": "^$", "read": "^$"}


async def _close_connections(world: World, _: Reached) -> None:
    await world.broker.api.drop_connections(world.vhost)


async def _delete_lane(world: World, _: Reached) -> None:
    """The broker tells the consumers by basic.cancel. What a worker had that was killed is in the
    queue again, and would be deleted with it."""

    def all_in_hand() -> bool:
        history = world.history
        holders = {event.task: event.who for event in history.of(Fact.DELIVERED)}
        killed = {event.who for event in history.of(Fact.KILLED)}
        held = {task for task, holder in holders.items() if holder not in killed}
        done = {event.task for event in history.of(Fact.GIVEN)}
        return {task.task_id for task in world.tasks} <= held | done

    await world.history.until(all_in_hand, _IN_HAND_SECONDS)
    await _delete(world, world.settings.layout.lane_queue(LANE))


async def _declare_lane(world: World, _: Reached) -> None:
    async with RabbitmqBus(world.settings, name="faults") as bus:
        await bus.declare(world.settings.layout.for_tasks([LANE]))


async def _delete_results(world: World, _: Reached) -> None:
    """With no result in it: what is deleted with a queue is lost."""
    path = (
        f"{_path_of(world, world.settings.layout.results_queue(ORCHESTRATOR_NAME))}?if-empty=true"
    )

    async def is_deleted() -> bool:
        try:
            await world.broker.api.call("DELETE", path)
        except HTTPStatusError as refused:
            if refused.response.status_code == HTTPStatus.BAD_REQUEST:
                return False
            raise
        return True

    await eventually(is_deleted, "the orchestrator has taken its results")


async def _declare_results(world: World, _: Reached) -> None:
    """When answers have met no queue, and then send them on from parking."""
    since = len(world.history.events)
    await world.history.until_since(
        since, lambda event: event.fact is Fact.PARK_CONFIRMED, _TROUBLE_SECONDS
    )
    results = world.settings.layout.results_queue(ORCHESTRATOR_NAME)
    async with RabbitmqBus(world.settings, name="faults") as bus:
        await bus.declare(world.settings.layout.for_results(ORCHESTRATOR_NAME))
        await run_llmbus_until_done(world, "parking", "redrive", "--all")

        async def is_taken() -> bool:
            depth = (await bus.depths([results]))[results]
            return depth is not None and depth.ready == 0 and depth.consumers > 0

        await eventually(is_taken, "the orchestrator takes its results again")


async def _delete(world: World, queue: str) -> None:
    await world.broker.api.call("DELETE", _path_of(world, queue))


def _path_of(world: World, queue: str) -> str:
    return f"/api/queues/{world.vhost.name}/{quote(queue, safe='')}"


def _full(queue: Callable[[World], str]) -> Callable[[World, Reached], Awaitable[None]]:
    async def fill(world: World, _: Reached) -> None:
        # A queue that does not refuse yet throws out what is beyond a new limit.
        for limit in (_NO_LIMIT, 0):
            policy = {
                "pattern": f"^{queue(world).replace('.', '[.]')}$",
                "definition": {"max-length": limit, "overflow": "reject-publish"},
                "apply-to": "queues",
            }
            await world.broker.api.call("PUT", _policy(world), policy)

    return fill


def _policy(world: World) -> str:
    return f"/api/policies/{world.vhost.name}/full"


async def _make_room(world: World, _: Reached) -> None:
    await asyncio.sleep(_TROUBLE_SECONDS)
    await world.broker.api.call("DELETE", _policy(world))


async def _take_permissions(world: World, at: Reached) -> None:
    await _permit(world, _NOTHING)
    await _close_connections(world, at)  # the broker remembers what a channel was allowed


async def _lock_out(world: World, at: Reached) -> None:
    await world.broker.api.call("DELETE", _permissions(world))
    await _close_connections(world, at)


async def _permit_everything(world: World, _: Reached) -> None:
    await asyncio.sleep(_TROUBLE_SECONDS)
    await _permit(world, _EVERYTHING)


async def _permit(world: World, permissions: dict[str, str]) -> None:
    await world.broker.api.call("PUT", _permissions(world), permissions)


def _permissions(world: World) -> str:
    return f"/api/permissions/{world.vhost.name}/{world.vhost.name}"


VHOST_FAULTS: Final = (
    Fault(
        "connections-closed",
        "all connections are closed by the management API",
        _EVERYWHERE,
        strike=_close_connections,
    ),
    Fault(
        "lane-deleted",
        "the lane's queue is deleted under its consumers and declared again",
        (Step.CALLED, Step.ANSWERED, Step.ANSWERING, Step.CONFIRMED),
        strike=_delete_lane,
        heal=_declare_lane,
        every_task_in_hand=True,
    ),
    Fault(
        "results-deleted",
        "the orchestrator's queue is deleted under it and declared again; answers that met no queue"
        " are sent on from parking",
        (Step.CALLED, Step.STORING, Step.ANSWERING),
        strike=_delete_results,
        heal=_declare_results,
    ),
    Fault(
        "lane-full",
        "the lane's queue refuses what is published to it for three seconds",
        _EVERYWHERE,
        strike=_full(lambda world: world.settings.layout.lane_queue(LANE)),
        heal=_make_room,
    ),
    Fault(
        "results-full",
        "the orchestrator's queue refuses what is published to it for three seconds",
        _EVERYWHERE,
        strike=_full(lambda world: world.settings.layout.results_queue(ORCHESTRATOR_NAME)),
        heal=_make_room,
    ),
    Fault(
        "permissions-lost",
        "the user may do nothing in the vhost for three seconds",
        _EVERYWHERE,
        strike=_take_permissions,
        heal=_permit_everything,
    ),
    Fault(
        "vhost-locked",
        "the user may not enter the vhost for three seconds",
        _EVERYWHERE,
        strike=_lock_out,
        heal=_permit_everything,
    ),
)
