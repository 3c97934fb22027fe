"""Parked messages for people, and for programs. What is printed cannot steer a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import typer

from llmbus.ops.cli.tables import age, cell, print_table
from llmbus.ops.parking.message import ParkedMessage
from llmbus.ops.parking.survey import Group

__all__ = ["cut", "print_groups", "print_json", "print_messages", "print_text"]

_LONGEST_CELL: Final = 160
_COLUMNS: Final = (
    "age",
    "reason",
    "kind",
    "message id",
    "task",
    "agent type",
    "for",
    "priority",
    "attempts",
    "redrives",
    "from",
)


def print_messages(messages: Iterable[ParkedMessage]) -> None:
    """One row each."""
    print_table(_COLUMNS, (_as_row(parked) for parked in messages))


def print_groups(groups: Iterable[Group]) -> None:
    """How many stand in parking for which reason."""
    rows = (
        (each.count, each.kind, age(each.oldest_age_seconds), cut(each.reason)) for each in groups
    )
    print_table(("messages", "kind", "oldest", "reason"), rows)


def print_json(value: Any) -> None:
    """In one line, in ASCII: no control character comes through."""
    plain = json.dumps(msgspec.to_builtins(value), separators=(",", ":"))
    typer.echo(plain.replace("\x7f", "\\u007f"))


def print_text(text: str, indent: str = "") -> None:
    """Untrusted text, line by line."""
    for line in text.splitlines():
        typer.echo(f"{indent}{cell(line).plain}")


def cut(text: str) -> str:
    """Short enough for a table."""
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def _as_row(parked: ParkedMessage) -> tuple[str | int | None, ...]:
    return (
        age(parked.age_seconds),
        cut(parked.reason),
        parked.kind,
        cut(parked.message_id),
        cut(parked.task_id) or "-",
        cut(parked.agent_type or "-"),
        cut(parked.routing_key) or "-",
        parked.priority,
        parked.attempts,
        parked.redrives,
        cut(parked.origin) or "-",
    )
