"""`llmbus parking discard`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack, aclosing
from pathlib import Path
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
from llmbus.ops.cli.parking.views import print_groups
from llmbus.ops.parking.discard import DiscardedFile, discard
from llmbus.ops.parking.selection import ParkingFilter
from llmbus.ops.parking.survey import Survey

__all__ = ["discard_parked"]


def discard_parked(
    ids: Ids = None,
    reason: Reason = None,
    agent_type: AgentTypeOption = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    task: TaskOption = None,
    everything: Everything = False,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append what is discarded to this file, as JSON lines."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be discarded, and discard nothing.")
    ] = False,
) -> None:
    """Discard parked messages: they are gone, with the tasks and paid answers in them.

    It shows what matches and asks; without a terminal it needs --yes. Only what was shown is
    discarded, not what is parked meanwhile. With --keep each message is on the disk before it is
    gone.

    Exits 0, also if the filters match nothing; 65 for an ID that means nothing; 1 if the answer
    is no.
    """
    wanted = parking_filter(reason, agent_type, older_than, newer_than, task)
    require_choice(ids, wanted, everything)
    if not yes and not dry_run and not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on: add --yes, or --dry-run")
    survey = asyncio.run(_survey(wanted, ids))  # noqa: TID251  the program's entry point
    if not survey.matched:
        typer.echo("nothing matched")
        return
    print_groups(survey.groups)
    if dry_run:
        typer.echo(f"{survey.matched:,} would be discarded")
        return
    if not yes:
        typer.confirm(f"Discard what is listed here, {survey.matched:,} in all?", abort=True)
    shown = ParkingFilter(message_ids=frozenset(survey.matched_ids))
    asyncio.run(_discard(shown, keep))  # noqa: TID251  the program's entry point


async def _survey(wanted: ParkingFilter, ids: list[str] | None) -> Survey:
    async with opened_parking() as parking:
        return await parking.survey(await narrowed(parking, wanted, ids), limit=0)


async def _discard(shown: ParkingFilter, keep: Path | None) -> None:
    gone = 0
    try:
        with ExitStack() as files:
            kept = files.enter_context(DiscardedFile(keep)) if keep else None
            async with (
                opened_parking() as parking,
                aclosing(discard(parking, shown, kept)) as discarded,
            ):
                async for _ in discarded:
                    gone += 1
    finally:
        typer.echo(f"{gone:,} discarded" + (f", kept in {keep}" if keep else ""))
