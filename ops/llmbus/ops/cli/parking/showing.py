"""`llmbus parking show`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer

from llmbus.ops.cli.parking.options import opened_parking
from llmbus.ops.cli.parking.views import print_json, print_text
from llmbus.ops.cli.tables import age
from llmbus.ops.parking.message import ParkedMessage
from llmbus.ops.parking.record import readable_body, record
from llmbus.shared.bus.interface import Delivery, Message
from llmbus.shared.errors import ConfigurationError, InvalidInputError
from llmbus.shared.parking import Stay, history_of, stay_of

__all__ = ["show"]


def show(
    name: Annotated[
        str,
        typer.Argument(metavar="ID", help="A message id or a task id; its beginning is enough."),
    ],
    raw: Annotated[
        Path | None, typer.Option(help="Write the body's bytes to this file; - is stdout.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show a parked message wholly: why it is there, its headers, its earlier stays, its body.

    A task id can name several messages, such as a task and its result: all of them are shown. The
    body is shown as it is, prompts and all.
    """
    asyncio.run(_show(name, raw, as_json))  # noqa: TID251  the program's entry point


async def _show(name: str, raw: Path | None, as_json: bool) -> None:
    async with opened_parking() as parking:
        ids = await parking.find([name])
        if raw is not None and len(ids) > 1:
            raise InvalidInputError(
                f"{name!r} names {len(ids)} messages: give a message id to --raw"
            )
        async with aclosing(parking.messages()) as messages:
            async for parked, delivery in messages:
                if parked.message_id not in ids:
                    continue
                if raw is not None:
                    _write(raw, delivery.message.body)
                elif as_json:
                    print_json(record(parked, delivery))
                else:
                    _print(parked, delivery)


def _write(path: Path, body: bytes) -> None:
    if str(path) == "-":
        typer.echo(body, nl=False)
        return
    try:
        path.write_bytes(body)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror} (set --raw)") from None


def _print(parked: ParkedMessage, delivery: Delivery) -> None:
    message = delivery.message
    stay = stay_of(message)
    lines = {
        "message id": parked.message_id,
        "task": parked.task_id or "-",
        "kind": f"{parked.kind.value} ({message.type or 'no type'}, {message.content_type})",
        "for": parked.routing_key or "-",
        "agent": f"{parked.agent or '?'} ({parked.agent_type or '-'})",
        "priority": str(parked.priority),
        "redrives": str(parked.redrives),
        "reply to": message.reply_to or "-",
    }
    for name, value in lines.items():
        print_text(f"{name:<12}{value}")
    _print_stay("parked", stay, parked.age_seconds)
    for earlier in reversed(history_of(message)):
        _print_stay("before", earlier, None)
    _print_headers(message)
    typer.echo(f"body, {len(message.body):,} bytes")
    print_text(readable_body(message.body, message.content_type), "  ")


def _print_stay(label: str, stay: Stay, seconds: float | None) -> None:
    since = f"{stay.parked_at:%Y-%m-%d %H:%M:%S} UTC" if stay.parked_at else "at an unknown time"
    ago = f", {age(seconds)} ago" if seconds is not None else ""
    print_text(f"{label:<12}{since}{ago}, from {stay.origin or 'the broker'}")
    print_text(f"reason: {stay.reason}", "  ")
    print_text(f"attempts: {stay.attempts}", "  ")
    if stay.failure is not None:
        print_text(f"failure: {stay.failure.kind.value}: {stay.failure.message}", "  ")
    if stay.stderr:
        print_text("stderr, its end:", "  ")
        print_text(stay.stderr, "    ")


def _print_headers(message: Message) -> None:
    typer.echo("headers")
    for name, value in sorted(message.headers.items()):
        print_text(f"{name}: {str(value).encode('unicode_escape').decode('ascii')}", "  ")
