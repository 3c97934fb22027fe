"""The yardstick: the same work by a hand-written aio-pika loop, as one would write it with care.

It has what this work needs and no more: a priority queue, prefetch, a task of its own for each
delivery, confirmed persistent mandatory messages both ways, the ack after the confirmed result.
No retries, time limits, adoption of redeliveries, heartbeats or error answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import aio_pika
import msgspec
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage

from benchmarks.contender import Address, Agent, Orchestrator
from benchmarks.task import AGENT, DESCRIPTION, TITLE

__all__ = ["orchestrator", "worker"]

_CONFIRMS_IN_FLIGHT: Final = 200
_RESULTS_PREFETCH: Final = 2_000
_PRIORITY: Final = 4


class _Job(msgspec.Struct):
    task_id: str
    title: str
    description: str
    agent: str
    created_at: datetime


class _Result(msgspec.Struct):
    task_id: str
    agent: str
    status: str
    output: str
    started_at: datetime
    completed_at: datetime


_read_job = msgspec.json.Decoder(_Job).decode
_read_result = msgspec.json.Decoder(_Result).decode
_write = msgspec.json.Encoder().encode


@asynccontextmanager
async def worker(address: Address, concurrency: int, agent: Agent) -> AsyncGenerator[object]:
    """Takes jobs until left."""
    async with await aio_pika.connect_robust(address.amqp_url) as connection:
        publishing = await connection.channel(on_return_raises=True)
        consuming = await connection.channel(publisher_confirms=False)
        await consuming.set_qos(prefetch_count=concurrency)
        jobs = await consuming.declare_queue(
            f"{address.prefix}.jobs", durable=True, arguments={"x-max-priority": 10}
        )
        running = _Worker(publishing.default_exchange, agent)
        await jobs.consume(running.take)
        yield running


class _Worker:
    def __init__(self, exchange: AbstractExchange, agent: Agent) -> None:
        self._exchange = exchange
        self._agent = agent
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, message: AbstractIncomingMessage) -> None:
        task = asyncio.create_task(self._run(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, message: AbstractIncomingMessage) -> None:
        async with message.process():
            assert message.reply_to is not None
            job = _read_job(message.body)
            started_at = datetime.now(UTC)
            output = await self._agent.answer(job.task_id)
            result = _Result(
                job.task_id, job.agent, "success", output, started_at, datetime.now(UTC)
            )
            await self._exchange.publish(_message(job.task_id, result), message.reply_to)


@asynccontextmanager
async def orchestrator(address: Address) -> AsyncGenerator[Orchestrator]:
    """Hands out jobs and takes their results."""
    async with await aio_pika.connect_robust(address.amqp_url) as connection:
        publishing = await connection.channel(on_return_raises=True)
        consuming = await connection.channel(publisher_confirms=False)
        await consuming.set_qos(prefetch_count=_RESULTS_PREFETCH)
        results = await consuming.declare_queue(f"{address.prefix}.results", durable=True)
        running = _Orchestrator(publishing.default_exchange, address.prefix)
        await results.consume(running.take)
        yield running


class _Orchestrator:
    def __init__(self, exchange: AbstractExchange, prefix: str) -> None:
        self._exchange = exchange
        self._jobs = f"{prefix}.jobs"
        self._results = f"{prefix}.results"
        self._waiting: dict[str, asyncio.Future[str]] = {}

    async def take(self, message: AbstractIncomingMessage) -> None:
        async with message.process():
            result = _read_result(message.body)
            if waiting := self._waiting.pop(result.task_id, None):
                waiting.set_result(result.output)

    async def ask(self, task_id: str) -> str:
        return await (await self._submit(task_id))

    async def ask_many(self, task_ids: Sequence[str]) -> list[str]:
        return await asyncio.gather(*await self.submit_many(task_ids))

    async def submit_many(self, task_ids: Sequence[str]) -> list[asyncio.Future[str]]:
        room = asyncio.Semaphore(_CONFIRMS_IN_FLIGHT)

        async def submit(task_id: str) -> asyncio.Future[str]:
            async with room:
                return await self._submit(task_id)

        return await asyncio.gather(*(submit(task_id) for task_id in task_ids))

    async def _submit(self, task_id: str) -> asyncio.Future[str]:
        answer = self._waiting[task_id] = asyncio.get_running_loop().create_future()
        job = _Job(task_id, TITLE, DESCRIPTION, AGENT, datetime.now(UTC))
        await self._exchange.publish(_message(task_id, job, self._results), self._jobs)
        return answer


def _message(task_id: str, body: _Job | _Result, reply_to: str | None = None) -> aio_pika.Message:
    return aio_pika.Message(
        _write(body),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        priority=_PRIORITY,
        correlation_id=task_id,
        reply_to=reply_to,
        timestamp=datetime.now(UTC),
    )
