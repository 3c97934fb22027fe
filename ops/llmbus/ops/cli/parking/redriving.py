"""`llmbus parking redrive`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Annotated

import typer

from llmbus.ops.cli.parking.options import (
    AgentTypeOption,
    Everything,
    Ids,
    NewerThan,
    OlderThan,
    Reason,
    TaskOption,
    narrowed,
    opened_parking,
    parking_filter,
    require_choice,
)
from llmbus.ops.cli.parking.progress import RedriveProgress
from llmbus.ops.parking.pace import Pace
from llmbus.ops.parking.redrive import Detour, Redrive
from llmbus.ops.parking.selection import ParkingFilter
from llmbus.shared.errors import InvalidInputError

__all__ = ["redrive"]


def redrive(
    ids: Ids = None,
    reason: Reason = None,
    agent_type: AgentTypeOption = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    task: TaskOption = None,
    everything: Everything = False,
    to: Annotated[
        str | None,
        typer.Option(metavar="LANE", help="Send tasks to this lane, wherever they came from."),
    ] = None,
    rate: Annotated[float, typer.Option(min=0, help="At most so many a second; 0: no limit.")] = 50,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent where, and send nothing.")
    ] = False,
) -> None:
    """Send parked messages back where they came from, to be tried afresh.

    Tasks go to their lane or to the fallback, results to their orchestrator. Task id, priority,
    deadline and history are kept, attempts count from 1. What nobody can read is sent only if an
    ID names it.

    It may be interrupted and repeated at any time: a message leaves parking when the broker has
    confirmed its copy, and a task that was sent twice is run once.

    Exits 0 if nothing that was asked for stays in parking, 1 if something could not be sent. An ID
    that means nothing exits 65; filters that match nothing exit 0.
    """
    wanted = parking_filter(reason, agent_type, older_than, newer_than, task)
    require_choice(ids, wanted, everything)
    progress = RedriveProgress(dry_run=dry_run)
    detour = _detour(to)
    with progress:
        asyncio.run(  # noqa: TID251  the program's entry point
            _redrive(ids, wanted, detour, Pace(rate), dry_run, progress)
        )
    if progress.stayed:
        raise typer.Exit(1)


def _detour(lane: str | None) -> Detour | None:
    try:
        return None if lane is None else Detour(lane)
    except InvalidInputError as error:
        raise typer.BadParameter(str(error)) from None


async def _redrive(
    ids: list[str] | None,
    wanted: ParkingFilter,
    detour: Detour | None,
    pace: Pace,
    dry_run: bool,
    progress: RedriveProgress,
) -> None:
    async with opened_parking() as parking:
        work = Redrive(parking, await narrowed(parking, wanted, ids), detour, pace)
        async with aclosing(work.plan() if dry_run else work.carry_out()) as steps:
            async for step in steps:
                progress.on_step(step)
