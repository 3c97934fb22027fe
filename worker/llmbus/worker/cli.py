"""`llmbus worker` and `llmbus fallback`: one process, from the command line to the last ack."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from llmbus.shared.logs import LogFormat, configure_logs
from llmbus.shared.settings import BusSettings, StoreSettings, read_settings
from llmbus.worker.assembly import rabbitmq_fallback, rabbitmq_worker
from llmbus.worker.health import Problem
from llmbus.worker.health_server import HealthServer
from llmbus.worker.llm_abstractions.profiles.rules import configured_rules
from llmbus.worker.sd_notify import ServiceManager
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.subprocess_path import ScriptSettings
from llmbus.worker.worker import Worker

__all__ = ["fallback", "worker"]


def worker(
    lanes: Annotated[
        str | None,
        typer.Option(
            help="Lanes to serve, separated by commas; `lane=N` gives one N slots of its own."
            " Default: every agent type that is usable here. [LLMBUS_LANES]"
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            help="Tasks at once, shared out among the lanes. Default 16. [LLMBUS_CONCURRENCY]"
        ),
    ] = None,
    grace: Annotated[
        float | None,
        typer.Option(
            help="Seconds that running tasks may go on after SIGTERM; the rest is returned."
            " Default 30. [LLMBUS_GRACE_SECONDS]"
        ),
    ] = None,
    scripted: Annotated[
        Path | None,
        typer.Option(help="Answer from this file instead of any provider. [LLMBUS_SCRIPTED]"),
    ] = None,
    with_fallback: Annotated[
        bool, typer.Option("--with-fallback", help="Serve the fallback queue, too.")
    ] = False,
    log_format: Annotated[LogFormat, typer.Option(help="How to write the log.")] = LogFormat.AUTO,
) -> None:
    """Take tasks from RabbitMQ, run them, publish the results.

    SIGTERM or Ctrl-C drains: nothing more is taken, running tasks finish within the grace time, the
    rest goes back to its queue uncharged, exit code 0. A second signal ends the grace time.
    """
    configure_logs(log_format)
    settings = read_settings(
        WorkerSettings,
        lanes=lanes,
        concurrency=concurrency,
        grace_seconds=grace,
        scripted=scripted,
    )
    configured_rules()  # a wrong profiles file is told now, and not by the first task
    scripts = read_settings(ScriptSettings) if with_fallback else None
    one = rabbitmq_worker(
        settings, read_settings(BusSettings), read_settings(StoreSettings), scripts
    )
    asyncio.run(_serve(one))  # noqa: TID251  the program's entry point


def fallback(
    concurrency: Annotated[
        int | None,
        typer.Option(help="Scripts at once. Default 2. [LLMBUS_FALLBACK_CONCURRENCY]"),
    ] = None,
    grace: Annotated[
        float | None,
        typer.Option(
            help="Seconds that running scripts may go on after SIGTERM; the rest is returned."
            " Default 30. [LLMBUS_GRACE_SECONDS]"
        ),
    ] = None,
    log_format: Annotated[LogFormat, typer.Option(help="How to write the log.")] = LogFormat.AUTO,
) -> None:
    """Take what the direct path could not serve, run its agent's script, publish the results.

    A task whose script fails, too, is answered as failed and kept in parking (llmbus parking).
    SIGTERM or Ctrl-C drains as in `llmbus worker`.
    """
    configure_logs(log_format)
    settings = read_settings(WorkerSettings, grace_seconds=grace)
    scripts = read_settings(ScriptSettings, fallback_concurrency=concurrency)
    one = rabbitmq_fallback(
        settings, read_settings(BusSettings), read_settings(StoreSettings), scripts
    )
    asyncio.run(_serve(one))  # noqa: TID251  the program's entry point


async def _serve(one: Worker) -> None:
    systemd = ServiceManager.from_environment(os.environ)
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            one.hurry()
        else:
            one.health.begin_draining()
            systemd.stopping()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    async with AsyncExitStack() as resources:
        resources.callback(_ignore_signals, loop)  # entered first, so called last
        await resources.enter_async_context(_probed(one, systemd))
        starting = asyncio.ensure_future(resources.enter_async_context(one))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():  # told to stop while it still waits for the broker
            starting.cancel()
            await asyncio.wait((starting,))
            return
        await starting
        systemd.ready()
        await stopping


@asynccontextmanager
async def _probed(one: Worker, systemd: ServiceManager) -> AsyncGenerator[None]:
    """Whoever watches the process hears of it, from before it connects until it has drained."""

    def say(problems: tuple[Problem, ...]) -> None:
        systemd.status(f"not ready: {', '.join(problems)}" if problems else "ready")

    settings = one.settings
    one.health.listen(say)
    fed = asyncio.create_task(systemd.keep_alive(lambda: not one.health.not_live))
    try:
        async with AsyncExitStack() as resources:
            if settings.health_port:
                server = HealthServer(
                    one.health, settings.worker_id, settings.health_host, settings.health_port
                )
                await resources.enter_async_context(server)
            yield
    finally:
        fed.cancel()
        with suppress(asyncio.CancelledError):
            await fed


def _ignore_signals(loop: asyncio.AbstractEventLoop) -> None:
    """The work is over: a signal while the interpreter ends must not change the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
