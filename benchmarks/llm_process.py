"""A measured process: `python -m benchmarks.llm_process rounds API CALLS ROUNDS`, or
`… memory API CALLS layer|bare`.

It finds the providers by the environment, prints one JSON line, and ends.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import time
from contextlib import AsyncExitStack
from typing import Final

import msgspec
import psutil

from benchmarks.llm_contenders import APIS, Api, Ask, bare_sdk, llm_layer
from llmbus.worker.llm_abstractions import LlmFactory

__all__ = ["Memory", "Rounds"]

_PROMPT: Final = "Summarise the following report in one sentence. " + "It says a lot. " * 60
_HELD_SECONDS: Final = 8.0
_ALL_SENT_WITHIN_SECONDS: Final = 6.0
_LOOKUPS: Final = 20_000
_WARM_UP_CALLS: Final = 20


class Cost(msgspec.Struct, frozen=True):
    """Of all calls of one round, in seconds."""

    wall: float
    cpu: float


class Rounds(msgspec.Struct, frozen=True):
    """Both contenders in turn, in one process."""

    layer: list[Cost]
    bare: list[Cost]
    lookup_seconds: float
    """One `LlmFactory.get_provider`, once loaded."""


class Memory(msgspec.Struct, frozen=True):
    """How much one call in flight adds to a process."""

    kilobytes_per_call: float


async def rounds(api: Api, calls: int, number: int) -> Rounds:
    """Every other round backwards, so that nobody always comes first. The first is not kept: it
    opens the connections."""
    async with AsyncExitStack() as stack:
        layer = await stack.enter_async_context(llm_layer(api))
        bare = await stack.enter_async_context(bare_sdk(api))
        costs: dict[Ask, list[Cost]] = {layer: [], bare: []}
        for turn in range(number + 1):
            for ask in (layer, bare)[:: -1 if turn % 2 else 1]:
                costs[ask].append(await _round(ask, calls))
        return Rounds(costs[layer][1:], costs[bare][1:], _lookup_seconds(api))


async def _round(ask: Ask, calls: int) -> Cost:
    gc.collect()
    cpu, began = time.process_time(), time.perf_counter()
    answers = await asyncio.gather(*(ask(_PROMPT) for _ in range(calls)))
    cost = Cost(time.perf_counter() - began, time.process_time() - cpu)
    assert all(answer.startswith("Simulated answer") for answer in answers)
    return cost


def _lookup_seconds(api: Api) -> float:
    began = time.perf_counter()
    for _ in range(_LOOKUPS):
        LlmFactory.get_provider(api.agent_type, api.model)
    return (time.perf_counter() - began) / _LOOKUPS


async def memory(api: Api, calls: int, contender: str) -> Memory:
    """By the resident memory, connections included, while the provider keeps all waiting."""
    open_contender = llm_layer if contender == "layer" else bare_sdk
    async with open_contender(api) as ask:
        await asyncio.gather(*(ask(_PROMPT) for _ in range(_WARM_UP_CALLS)))
        gc.collect()
        before = psutil.Process().memory_info().rss
        prompt = f'{_PROMPT} [[simulate: {{"latency_seconds": {_HELD_SECONDS}}}]]'
        held = [asyncio.create_task(_text(ask, prompt)) for _ in range(calls)]
        await asyncio.wait(held, timeout=_ALL_SENT_WITHIN_SECONDS)
        grown = psutil.Process().memory_info().rss - before
        await asyncio.gather(*held)
    return Memory(grown / calls / 1_024)


async def _text(ask: Ask, prompt: str) -> str:
    return await ask(prompt)


async def _measure(what: str, api: Api, calls: int, rest: str) -> Rounds | Memory:
    if what == "rounds":
        return await rounds(api, calls, int(rest))
    return await memory(api, calls, rest)


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # of models that retire soon: not what is measured here
    _, _what, _api, _calls, _rest = sys.argv
    _found = asyncio.run(_measure(_what, APIS[_api], int(_calls), _rest))  # noqa: TID251
    sys.stdout.buffer.write(msgspec.json.encode(_found) + b"\n")
