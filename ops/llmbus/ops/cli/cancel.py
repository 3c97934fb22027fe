"""`llmbus cancel`: end tasks, wherever they are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Final

import msgspec
import typer

from llmbus.ops.cli.tables import cell
from llmbus.shared.settings import StoreSettings, read_settings
from llmbus.shared.store.claims import AlreadyFinished, CancelAnswer
from llmbus.shared.store.redis import RedisStore

__all__ = ["cancel"]

_REMEMBERED: Final = timedelta(days=7)


def cancel(
    task_ids: Annotated[list[str], typer.Argument(metavar="TASK_ID...", help="Which tasks.")],
    reason: Annotated[
        str, typer.Option(help="Why; the orchestrator reads it in the result.")
    ] = "an operator no longer wants it",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a line each.")] = False,
) -> None:
    """Cancel tasks: what waits is never run, what runs is cut within two seconds.

    The orchestrator gets a result with status `cancelled`. A task id stays cancelled for seven
    days, also if it is submitted again. Exits 1 if a task had ended before.
    """
    answers = asyncio.run(_cancel(task_ids, reason))  # noqa: TID251  a program's entry point
    for task_id, answer in zip(task_ids, answers, strict=True):
        plain = msgspec.json.encode(_as_plain(task_id, answer))
        typer.echo(plain if as_json else _told(task_id, answer))
    if any(isinstance(answer, AlreadyFinished) for answer in answers):
        raise typer.Exit(1)


async def _cancel(task_ids: Sequence[str], reason: str) -> list[CancelAnswer]:
    async with RedisStore(read_settings(StoreSettings)) as store:
        return [await store.request_cancel(each, reason, _REMEMBERED) for each in task_ids]


def _as_plain(task_id: str, answer: CancelAnswer) -> dict[str, Any]:
    if isinstance(answer, AlreadyFinished):
        return {"task_id": task_id, "cancelled": False, "succeeded": answer.succeeded}
    return {"task_id": task_id, "cancelled": True, "worker_id": answer.holder}


def _told(task_id: str, answer: CancelAnswer) -> str:
    name = cell(task_id).plain
    if isinstance(answer, AlreadyFinished):
        how = "succeeded" if answer.succeeded else "failed"
        return f"{name}: had {how} before, nothing is cancelled"
    if answer.holder is None:
        return f"{name}: does not run now, and will not be run"
    return f"{name}: is being ended in worker {cell(answer.holder).plain}"
