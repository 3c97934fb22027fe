"""`llmbus parking list`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from llmbus.ops.cli.parking.options import (
    AgentTypeOption,
    NewerThan,
    OlderThan,
    Reason,
    TaskOption,
    opened_parking,
    parking_filter,
)
from llmbus.ops.cli.parking.views import print_groups, print_json, print_messages
from llmbus.ops.parking.selection import ParkingFilter
from llmbus.ops.parking.survey import Survey

__all__ = ["list_parked"]


def list_parked(
    reason: Reason = None,
    agent_type: AgentTypeOption = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    task: TaskOption = None,
    limit: Annotated[int, typer.Option(min=0, help="Show at most so many rows.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """List what stands in parking, oldest first, and how many for which reason.

    It looks at every message and puts all of them back: while it runs, another command on parking
    sees none of them. On quorum queues what was looked at may change its place.

    JSON: an object with "seen", "matched", "groups" (a list of objects with reason, kind, count
    and oldest_age_seconds) and "messages" (at most --limit), a list of objects with message_id,
    task_id, kind (task, result, unreadable), reason, parked_at, age_seconds, agent, agent_type,
    routing_key (the lane of a task, the orchestrator of a result), priority, attempts, redrives,
    origin and size_bytes; null is unknown. Fields may be added, never renamed.

    Exits 0, also if nothing is there.
    """
    wanted = parking_filter(reason, agent_type, older_than, newer_than, task)
    survey = asyncio.run(_survey(wanted, limit))  # noqa: TID251  the program's entry point
    if as_json:
        print_json(
            {
                "seen": survey.seen,
                "matched": survey.matched,
                "groups": survey.groups,
                "messages": survey.rows,
            }
        )
    else:
        _print(survey)


async def _survey(wanted: ParkingFilter, limit: int) -> Survey:
    async with opened_parking() as parking:
        return await parking.survey(wanted, limit)


def _print(survey: Survey) -> None:
    if not survey.seen:
        typer.echo("parking is empty, or somebody else looks through it just now")
        return
    if not survey.matched:
        typer.echo(f"none of the {survey.seen:,} messages in parking matches")
        return
    if survey.rows:
        print_messages(survey.rows)
    print_groups(survey.groups)
    shown = f", the first {len(survey.rows):,} are shown" if survey.matched > survey.limit else ""
    typer.echo(f"{survey.matched:,} of {survey.seen:,} messages in parking match{shown}")
