"""`llmbus health`: the health check of a worker's container."""

from __future__ import annotations

import asyncio
import socket

import typer

from llmbus.ops.cli.exit_codes import ExitCode
from llmbus.shared.errors import StoreLoginError, UnavailableError
from llmbus.shared.settings import StoreSettings, read_settings
from llmbus.shared.store.redis import RedisStore

__all__ = ["health"]


def health() -> None:
    """Exit with 0 if a live worker on this host has announced itself in Redis, with 1 if none has.

    If Redis cannot be asked the answer is 0 too: workers go on without it, and whoever restarts
    unhealthy containers must not kill all of them, with paid calls running, because Redis is away.
    """
    host = socket.gethostname()
    try:
        alive = asyncio.run(_worker_on(host))  # noqa: TID251 - a program's entry point
    except (UnavailableError, StoreLoginError) as error:
        typer.echo(f"unknown, taken as healthy: {error}")
        return
    if alive is None:
        typer.echo(f"unhealthy: no live worker on {host}")
        raise typer.Exit(ExitCode.FAILED)
    typer.echo(f"healthy: {alive}")


async def _worker_on(host: str) -> str | None:
    async with RedisStore(read_settings(StoreSettings)) as store:
        on_host = (entry.worker_id for entry in await store.workers() if entry.host == host)
        return next(on_host, None)
