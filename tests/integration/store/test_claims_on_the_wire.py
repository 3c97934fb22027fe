"""What claims cost, and what a lost answer does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from llmbus.shared.settings import StoreSettings
from llmbus.shared.store.claims import Cancelled, CancelNoted, Late, Renewed, Stored
from llmbus.shared.store.interface import Store
from llmbus.shared.store.redis import RedisStore
from tests.contracts.store.claimants import (
    BODY,
    JSON,
    KEEP,
    LEDGER_LIFE,
    LIFETIME,
    finished,
    granted,
    renewed,
    run,
    started,
)
from tests.integration.store.wire import Wire


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[Wire]:
    async with Wire(redis_url) as wire:
        yield wire


@pytest.fixture
async def store(wire: Wire, key_prefix: str) -> AsyncIterator[Store]:
    """Connected, and every script is known to the server."""
    settings = StoreSettings(redis_url=SecretStr(wire.url), prefix=key_prefix)
    async with RedisStore(settings) as store:
        await store.late_results()
        claim = await granted(store, run("warm", task_id="warm"))
        await renewed(store, claim)
        await store.release(claim)
        await store.pass_on(claim)
        assert await finished(store, claim) == Late()
        await store.request_cancel("warm", "", KEEP)
        yield store


async def test_a_good_run_costs_two_round_trips(store: Store, wire: Wire) -> None:
    before = wire.round_trips
    claim = await granted(store, run("a"))
    assert wire.round_trips == before + 1
    assert await finished(store, claim) == Stored()
    assert wire.round_trips == before + 2


async def test_every_other_step_costs_one(store: Store, wire: Wire) -> None:
    claim = await granted(store, run("a"))
    before = wire.round_trips
    await store.release(claim)
    await store.pass_on(claim)
    await store.request_cancel("t-1", "", KEEP)
    await store.claim(run("b"), LIFETIME, LEDGER_LIFE)
    await store.outcome_of("t-1")
    await store.late_results()
    assert wire.round_trips == before + 6


async def test_a_heartbeat_for_all_tasks_of_a_worker_costs_one(store: Store, wire: Wire) -> None:
    claims = [await granted(store, run(f"r-{n}", task_id=f"t-{n}")) for n in range(50)]
    before = wire.round_trips
    answers = await store.renew(claims)
    assert wire.round_trips == before + 1
    assert answers == {f"r-{n}": Renewed() for n in range(50)}


async def test_an_answer_lost_at_the_claim_changes_nothing(store: Store, wire: Wire) -> None:
    wire.lose_next_answer()
    answer = await started(store, run("a"))
    assert answer.open_starts == 0
    assert await started(store, run("a")) == answer


async def test_an_answer_lost_at_the_end_changes_nothing(store: Store, wire: Wire) -> None:
    claim = await granted(store, run("a"))
    wire.lose_next_answer()
    late = await store.late_results()
    wire.lose_next_answer()
    assert await finished(store, claim) == Stored()
    assert await store.late_results() == late


async def test_a_refusal_that_was_not_heard_is_counted_once(store: Store, wire: Wire) -> None:
    claim = await granted(store, run("a"))
    await store.release(claim)
    late = await store.late_results()
    wire.lose_next_answer()
    assert await finished(store, claim) == Late()
    assert await store.late_results() == late + 1


async def test_a_renewal_and_a_cancellation_may_be_lost_too(store: Store, wire: Wire) -> None:
    claim = await granted(store, run("a"))
    wire.lose_next_answer()
    assert await renewed(store, claim) == Renewed()
    wire.lose_next_answer()
    assert await store.request_cancel("t-1", "why", KEEP) == CancelNoted("w-of-a")
    wire.lose_next_answer()
    await store.release(claim)
    answer = await store.claim(run("b"), LIFETIME, LEDGER_LIFE)
    assert isinstance(answer, Cancelled)


async def test_cancelling_and_succeeding_at_once_leaves_exactly_one_of_them(
    store_settings: StoreSettings,
) -> None:
    async with RedisStore(store_settings) as worker, RedisStore(store_settings) as canceller:
        claims = [await granted(worker, run(f"r-{n}", task_id=f"t-{n}")) for n in range(30)]
        pairs = await asyncio.gather(
            *(
                asyncio.gather(
                    worker.finish(claim, BODY, JSON, succeeded=True, keep=KEEP),
                    canceller.request_cancel(claim.claimant.task_id, "why", KEEP),
                )
                for claim in claims
            )
        )
    for end, cancel in pairs:
        assert isinstance(end, Stored) != isinstance(cancel, CancelNoted)
