"""The total time limit of a call that is read piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

from llmbus.worker.llm_abstractions.base_llm import LlmRequest, within_deadline

__all__ = ["stream_within_time_limit"]

_Item = TypeVar("_Item")


async def stream_within_time_limit(
    items: AsyncGenerator[_Item], request: LlmRequest
) -> AsyncGenerator[_Item]:
    """The items, until `timeout_seconds` after the first was asked for; then `CallTimedOutError`.

    Only the waiting for items is cut short: a limit around a block with `yield` would strike the
    consumer, whose code runs while the generator pauses. Closes `items` at the end.
    """
    deadline = None
    if request.timeout_seconds is not None:
        deadline = asyncio.get_running_loop().time() + request.timeout_seconds
    try:
        while True:
            try:
                async with within_deadline(deadline, request):
                    item = await anext(items)
            except StopAsyncIteration:
                return
            yield item
    finally:
        await items.aclose()
