"""`llmbus status`: how full each queue is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated

import msgspec
import typer

from llmbus.ops.cli.patience import impatient
from llmbus.ops.cli.tables import age, print_table
from llmbus.ops.management import ManagementApi, ManagementSettings, ManagementUnavailableError
from llmbus.ops.queues import QueueKind, QueueReport, QueueStatus, by_api, by_bus
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.clock import SystemClock
from llmbus.shared.settings import BusSettings, StoreSettings, read_settings
from llmbus.shared.store.redis import RedisStore

__all__ = ["status"]


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show for each queue what is ready, unacked, who consumes and how old the oldest task is.

    The numbers come from RabbitMQ's management API and lag up to 5 seconds. It is looked for at
    LLMBUS_RABBITMQ_API_URL, else beside the broker (AMQP port plus 10000). Where it cannot be
    asked, a passive declare tells what is ready and who consumes, as of now, and the rest is "?".

    "oldest" is a lower bound, for classic queues only: RabbitMQ tells the age of the first task
    of the highest priority; one of a lower priority may be older.

    A line each warns of tasks that wait for a fallback that nobody runs, and of what stands in
    parking.

    JSON: an object with "source" (management or passive), "note" (what is missing and why, or
    null), "warnings" (a list of texts) and "queues", a list of objects with name, kind (lane,
    fallback, parking, results, retry), ready, unacked, consumers and oldest_age_seconds; null is
    unknown. Every wait queue is listed there; the table sums them up. Fields may be added, never
    renamed.
    """
    report = asyncio.run(_report())  # noqa: TID251 - a program's entry point
    if as_json:
        typer.echo(msgspec.json.encode(report))
        return
    if report.queues:
        columns = ("queue", "ready", "unacked", "consumers", "oldest")
        print_table(columns, (_as_row(queue) for queue in _with_one_wait_row(report.queues)))
    else:
        typer.echo("no queues yet: the first worker or producer makes them")
    for warning in report.warnings:
        typer.echo(f"warning: {warning}")
    if report.note:
        typer.echo(report.note)


async def _report() -> QueueReport:
    settings = read_settings(BusSettings)
    management = read_settings(ManagementSettings)
    try:
        api = ManagementApi.of(settings, management)
        return await by_api(api, settings.layout, SystemClock())
    except ManagementUnavailableError as why:
        async with (
            RabbitmqBus(impatient(settings), name="status") as bus,
            RedisStore(read_settings(StoreSettings)) as store,
        ):
            return await by_bus(bus, store, settings.layout, why)


def _with_one_wait_row(queues: list[QueueStatus]) -> list[QueueStatus]:
    waiting = [queue for queue in queues if queue.kind is QueueKind.RETRY]
    others = [queue for queue in queues if queue.kind is not QueueKind.RETRY]
    if not waiting:
        return others
    together = QueueStatus(
        name="waiting for retry",
        kind=QueueKind.RETRY,
        ready=_sum(queue.ready for queue in waiting),
        unacked=_sum(queue.unacked for queue in waiting),
        consumers=_sum(queue.consumers for queue in waiting),
        oldest_age_seconds=max(
            (queue.oldest_age_seconds for queue in waiting if queue.oldest_age_seconds is not None),
            default=None,
        ),
    )
    return [*others, together]


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _as_row(queue: QueueStatus) -> tuple[str | int | None, ...]:
    return (
        queue.name,
        queue.ready,
        queue.unacked,
        queue.consumers,
        _shown_age(queue),
    )


def _shown_age(queue: QueueStatus) -> str | None:
    nothing_there = queue.ready == 0 and queue.unacked == 0
    return "-" if nothing_there else age(queue.oldest_age_seconds)
