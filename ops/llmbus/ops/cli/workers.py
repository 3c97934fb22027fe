"""`llmbus workers`: who works where."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from llmbus.ops.cli.tables import age, print_table
from llmbus.shared.settings import StoreSettings, read_settings
from llmbus.shared.store.interface import WorkerEntry
from llmbus.shared.store.redis import RedisStore

__all__ = ["workers"]


def workers(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the workers that have announced themselves in Redis and are alive.

    A worker that stops is gone at once; one that is killed is gone when its last heartbeat is
    older than three of them.

    JSON: an object with "workers", a list of objects with worker_id, host, pid, version,
    started_at, lanes, agent_types, models, capabilities, slots_used, slots_total, draining,
    not_ready, direct_path and heartbeat_age_seconds. Fields may be added, never renamed.
    """
    entries = asyncio.run(_live_workers())  # noqa: TID251 - a program's entry point
    if as_json:
        plain = {"workers": [_as_plain(entry) for entry in entries]}
        typer.echo(msgspec.json.encode(plain))
    elif entries:
        columns = (
            "worker",
            "host",
            "lanes",
            "agent types",
            "models",
            "slots",
            "direct path",
            "heartbeat",
            "state",
        )
        print_table(columns, (_as_row(entry) for entry in entries))
    else:
        typer.echo("no live workers: start one with `llmbus worker`")


async def _live_workers() -> list[WorkerEntry]:
    async with RedisStore(read_settings(StoreSettings)) as store:
        return await store.workers()


def _heartbeat_age_seconds(entry: WorkerEntry) -> float | None:
    return None if entry.heartbeat_age is None else entry.heartbeat_age.total_seconds()


def _state(entry: WorkerEntry) -> str:
    if entry.draining:
        return "draining"
    return f"not ready: {', '.join(entry.not_ready)}" if entry.not_ready else "working"


def _direct_path(entry: WorkerEntry) -> str:
    match entry.direct_path:
        case None:
            return "-"
        case True:
            return "on"
        case False:
            return "off"


def _as_plain(entry: WorkerEntry) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(entry)
    del plain["heartbeat_age"]
    return plain | {"heartbeat_age_seconds": _heartbeat_age_seconds(entry)}


def _as_row(entry: WorkerEntry) -> tuple[str | None, ...]:
    return (
        entry.worker_id,
        entry.host,
        ", ".join(entry.lanes) or "-",
        ", ".join(entry.agent_types) or "-",
        ", ".join(entry.models) or "-",
        f"{entry.slots_used}/{entry.slots_total}",
        _direct_path(entry),
        age(_heartbeat_age_seconds(entry)),
        _state(entry),
    )
