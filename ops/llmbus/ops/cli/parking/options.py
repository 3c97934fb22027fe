"""What the commands on parking have in common: their filters, and their connection."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer

from llmbus.ops.cli.patience import impatient
from llmbus.ops.parking.selection import ParkingFilter, duration
from llmbus.ops.parking.survey import Parking
from llmbus.shared.agents import AgentType
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.clock import SystemClock
from llmbus.shared.errors import InvalidInputError
from llmbus.shared.settings import BusSettings, read_settings

__all__ = [
    "AgentTypeOption",
    "Everything",
    "Ids",
    "NewerThan",
    "OlderThan",
    "Reason",
    "TaskOption",
    "narrowed",
    "opened_parking",
    "parking_filter",
    "require_choice",
]


def _duration(text: str) -> timedelta:
    try:
        return duration(text)
    except InvalidInputError as error:
        raise typer.BadParameter(str(error)) from None


Ids = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID",
        help="A message id or a task id; its beginning is enough.",
        show_default=False,
    ),
]
Reason = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Only those whose reason holds this text.")
]
AgentTypeOption = Annotated[
    AgentType | None, typer.Option("--agent-type", help="Only tasks for this agent type.")
]
OlderThan = Annotated[
    timedelta | None,
    typer.Option(
        parser=_duration,
        metavar="AGE",
        help="Only those parked this long ago or longer: 90s, 15m, 2h, 1d12h.",
    ),
]
NewerThan = Annotated[
    timedelta | None,
    typer.Option(parser=_duration, metavar="AGE", help="Only those parked within this time."),
]
TaskOption = Annotated[
    str | None, typer.Option("--task", metavar="ID", help="Only what belongs to this task.")
]
Everything = Annotated[
    bool, typer.Option("--all", help="Every message; needed where nothing narrows it.")
]


def parking_filter(
    reason: str | None,
    agent_type: AgentType | None,
    older_than: timedelta | None,
    newer_than: timedelta | None,
    task: str | None,
) -> ParkingFilter:
    """The filter that the options describe; wrong together is a wrong command line."""
    if older_than is not None and newer_than is not None and older_than >= newer_than:
        raise typer.BadParameter("nothing is older than --older-than and newer than --newer-than")
    return ParkingFilter(
        reason=reason,
        agent_type=agent_type and agent_type.value,
        older_than=older_than,
        newer_than=newer_than,
        task_id=task,
    )


def require_choice(ids: Collection[str] | None, wanted: ParkingFilter, everything: bool) -> None:
    """What changes parking must be told which messages, or that all of them are meant."""
    if not ids and wanted.is_empty and not everything:
        raise typer.BadParameter("give ids or a filter, or --all for every message")


async def narrowed(
    parking: Parking, wanted: ParkingFilter, ids: Collection[str] | None
) -> ParkingFilter:
    """The filter, and only what these ids name; without ids the filter itself."""
    if not ids:
        return wanted
    return replace(wanted, message_ids=await parking.find(ids))


@asynccontextmanager
async def opened_parking() -> AsyncGenerator[Parking]:
    """The parking of the broker that the settings name."""
    settings = impatient(read_settings(BusSettings))
    async with RabbitmqBus(settings, name="parking") as bus:
        yield Parking(bus, settings.layout, SystemClock())
