"""Redis is full, or a replica: an error that says so, nothing half done, and all well after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from llmbus.shared.errors import StoreUnreachableError
from llmbus.shared.store.claims import Renewed, Stored
from llmbus.shared.store.interface import Store
from tests.contracts.store.claimants import (
    KEEP,
    LEDGER_LIFE,
    LIFETIME,
    finished,
    granted,
    renewed,
    run,
    started,
)


async def fill(redis: Any) -> None:
    await redis.config_set("maxmemory", "1")


async def empty(redis: Any) -> None:
    await redis.config_set("maxmemory", "0")


async def demote(redis: Any) -> None:
    await redis.execute_command("REPLICAOF", "127.0.0.1", "1")


async def promote(redis: Any) -> None:
    await redis.execute_command("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize(
    ("break_it", "mend_it", "word"),
    [(fill, empty, "OOM|maxmemory"), (demote, promote, "read.?only|READONLY")],
    ids=["full", "replica"],
)
async def test_nothing_is_half_done(
    private: Any,
    private_store: Store,
    break_it: Callable[[Any], Awaitable[None]],
    mend_it: Callable[[Any], Awaitable[None]],
    word: str,
) -> None:
    failed = await granted(private_store, run("failed", task_id="failed"))
    await finished(private_store, failed, succeeded=False)
    anew = run("anew", task_id="failed", submission="s-2")
    running = await granted(private_store, run("a"))
    await break_it(private)
    try:
        for attempt in (
            private_store.claim(anew, LIFETIME, LEDGER_LIFE),
            private_store.renew([running]),
            finished(private_store, running),
            private_store.release(running),
            private_store.request_cancel("t-1", "why", KEEP),
        ):
            with pytest.raises(StoreUnreachableError, match=f"(?i){word}"):
                await attempt
        assert await private_store.outcome_of("failed") is not None
    finally:
        await mend_it(private)
    assert (await started(private_store, anew)).open_starts == 0
    assert await renewed(private_store, running) == Renewed()
    assert await finished(private_store, running) == Stored()
