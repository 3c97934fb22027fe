"""The total time limit of a call, whether it is answered at once or piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar

from llmbus.worker.llm_abstractions.base_llm import LlmRequest
from llmbus.worker.llm_abstractions.errors import CallTimedOutError

__all__ = ["stream_within_time_limit", "within_time_limit"]

_Item = TypeVar("_Item")


async def stream_within_time_limit(
    items: AsyncGenerator[_Item], request: LlmRequest
) -> AsyncGenerator[_Item]:
    """The items, until `timeout_seconds` after the first was asked for; then `CallTimedOutError`.

    Only the waiting for items is cut short: a limit around a block with `yield` would strike the
    consumer, whose code runs while the generator pauses. Closes `items` at the end.
    """
    deadline = _deadline_of(request)
    try:
        while True:
            try:
                async with _within_deadline(deadline, request):
                    item = await anext(items)
            except StopAsyncIteration:
                return
            yield item
    finally:
        await items.aclose()


@asynccontextmanager
async def within_time_limit(request: LlmRequest) -> AsyncGenerator[None]:
    """Cut the block at the request's `timeout_seconds` by a `CallTimedOutError`.

    SDK timeouts count per read, so a dripping answer outlives them; this one is total.
    """
    async with _within_deadline(_deadline_of(request), request):
        yield


@asynccontextmanager
async def _within_deadline(deadline: float | None, request: LlmRequest) -> AsyncGenerator[None]:
    """As `within_time_limit`, by a time of the event loop's clock."""
    limit = asyncio.timeout_at(deadline)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise CallTimedOutError(
            f"no complete answer within {request.timeout_seconds} s; it may have been billed",
            sent=True,
        ) from None


def _deadline_of(request: LlmRequest) -> float | None:
    """Counted from now, on the event loop's clock."""
    if request.timeout_seconds is None:
        return None
    return asyncio.get_running_loop().time() + request.timeout_seconds
