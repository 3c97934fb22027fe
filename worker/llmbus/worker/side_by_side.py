"""Many calls, a few at a time: the next one starts as soon as one has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar, cast

from llmbus.shared.errors import InvalidInputError

__all__ = ["side_by_side"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


async def side_by_side(
    items: Sequence[_Item], call: Callable[[_Item], Awaitable[_Result]], max_concurrent: int
) -> list[_Result]:
    """What `call` returns for each item, in their order; at most `max_concurrent` run at once.

    `InvalidInputError` (a `ValueError`) if that is less than 1. An error of one cancels the others.
    """
    if max_concurrent < 1:
        raise InvalidInputError(f"max_concurrent must be at least 1, not {max_concurrent!r}")
    results: list[_Result | None] = [None] * len(items)
    waiting = iter(enumerate(items))

    async def take_what_waits() -> None:
        for place, item in waiting:
            results[place] = await call(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(max_concurrent, len(items))):
            group.create_task(take_what_waits())
    return cast("list[_Result]", results)
