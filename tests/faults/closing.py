"""The end of a run: stop the programs in order and look at what is left."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import aio_pika

from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.parking import REASON
from tests.faults.environment import LANE
from tests.faults.gates import digest_of
from tests.faults.history import Fact
from tests.faults.programs import FALLBACK, WORKER
from tests.faults.stacks import SHOW_TASKS
from tests.faults.watched_provider import key_of
from tests.faults.world import RESULTS, World

__all__ = ["find_left_overs", "nothing_waits", "read_outputs", "stop_programs"]

_ENDED_SECONDS: Final = 25.0
_DEFECTS: Final = frozenset({"run_not_settled", "run_not_parked", "provider_defect"})


async def stop_programs(world: World) -> None:
    """SIGTERM to the workers, then to the orchestrator. Who does not end is killed by the world."""
    await _count_consumers(world)
    workers = world.consumers_alive()
    for name in workers:
        world.tell_to_stop(name)
    others = [name for name in world.programs if world.lives(name) and name not in workers]
    await _ended(world, workers)
    for name in others:
        world.tell_to_stop(name)
    await _ended(world, others)


async def _ended(world: World, names: list[str]) -> None:
    waiting = [world.programs[name].ended.wait() for name in names]
    try:
        async with asyncio.timeout(_ENDED_SECONDS):
            await asyncio.gather(*waiting)
    except TimeoutError:
        alive = [name for name in names if world.lives(name)]
        for name in alive:
            world.programs[name].send(SHOW_TASKS)
        world.history.record(Fact.OUT_OF_TIME, note=f"{', '.join(alive)} did not end")


async def _count_consumers(world: World) -> None:
    """Whether the broker sees the consumers that the programs believe in. They may be on their way
    back from a fault that has just been healed."""
    layout = world.settings.layout
    for kind, name in ((WORKER, layout.lane_queue(LANE)), (FALLBACK, layout.fallback_queue)):
        expected = len(world.consuming(kind))
        seen = -1
        for _ in range(_CONSUMER_LOOKS):
            seen = await _consumers(world, name)
            if seen == expected:
                break
            await asyncio.sleep(_CONSUMER_PAUSE_SECONDS)
        world.history.record(Fact.CONSUMERS, name, number=seen, note=str(expected))


_CONSUMER_LOOKS: Final = 60
_CONSUMER_PAUSE_SECONDS: Final = 0.1


async def _consumers(world: World, name: str) -> int:
    url = world.vhost.url(world.broker.amqp_url)
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(name, passive=True)
        return queue.declaration_result.consumer_count or 0


async def nothing_waits(world: World) -> bool:
    """Whether no task waits for a worker or for its time."""
    async with RabbitmqBus(world.settings, name="faults") as bus:
        depths = await bus.depths(_queues_of_tasks(world))
    return all(depth is None or depth.ready == 0 for depth in depths.values())


def _queues_of_tasks(world: World) -> list[str]:
    layout = world.settings.layout
    waiting = [layout.retry(rung) for rung in layout.ladder.all_rungs()]
    served = [layout.fallback_queue] if world.consuming(FALLBACK) else []
    return [layout.lane_queue(LANE), *waiting, *served]


async def find_left_overs(world: World) -> None:
    """What the broker still holds, now that nobody takes anything any more."""
    layout = world.settings.layout
    url = world.vhost.url(world.broker.amqp_url)
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for name in {*_queues_of_tasks(world), layout.fallback_queue}:
            queue = await channel.declare_queue(name, passive=True)
            while message := await queue.get(no_ack=True, fail=False):
                task = message.correlation_id or ""
                world.history.record(Fact.LEFT_OVER, name, task)
        parking = await channel.declare_queue(layout.parking_queue, passive=True)
        while message := await parking.get(no_ack=True, fail=False):
            task = message.correlation_id or ""
            world.history.record(
                Fact.PARKED,
                task=task,
                digest=digest_of(message.body),
                note=str(message.headers.get(REASON, "")),
            )
            for what, secret in _secrets(world).items():
                if secret.encode() in message.body or secret in str(message.headers):
                    world.history.record(Fact.SECRET_SEEN, "parking", task, note=what)


def _secrets(world: World) -> dict[str, str]:
    secrets = {"the password of Redis": world.redis.password, "a password": world.vhost.password}
    return secrets | {f"the key of {name}": key_of(name) for name in world.programs}


def read_outputs(world: World) -> None:
    """Everything that the programs wrote: nothing but log lines, no defects, no secrets."""
    secrets = _secrets(world)
    results = world.folder / RESULTS
    for what, secret in secrets.items():
        if results.exists() and secret in results.read_text():
            world.history.record(Fact.SECRET_SEEN, RESULTS, note=what)
    for name, program in world.programs.items():
        text = program.output.read_text(errors="replace") if program.output.exists() else ""
        for what, secret in secrets.items():
            if secret in text:
                world.history.record(Fact.SECRET_SEEN, name, note=what)
        for line in text.splitlines():
            if odd := _odd(line):
                world.history.record(Fact.UNEXPECTED_OUTPUT, name, note=odd[:300])


def _odd(line: str) -> str:
    try:
        parsed: dict[str, Any] = json.loads(line)
    except ValueError:
        return line
    if parsed.get("event") in _DEFECTS or "exception" in parsed:
        return line
    return ""
