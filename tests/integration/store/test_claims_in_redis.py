"""What only Redis has: keys that expire, slots of a cluster, many clients, scripts to send."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest
from redis import crc

from llmbus.shared.settings import StoreSettings
from llmbus.shared.store.claims import Cancelled, Claimed, Held, Late, Lost, Renewed, Stored
from llmbus.shared.store.interface import Store
from llmbus.shared.store.keys import Keys
from llmbus.shared.store.redis import RedisStore
from tests.contracts.store.claimants import (
    KEEP,
    LEDGER_LIFE,
    LIFETIME,
    abandon,
    finished,
    granted,
    renewed,
    run,
)
from tests.support.redis_keys import delete_keys

CLIENTS = 8
TASKS = 50


async def test_every_task_is_given_to_exactly_one_of_many(store_settings: StoreSettings) -> None:
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(RedisStore(store_settings)) for _ in range(CLIENTS)
        ]
        answers = await asyncio.gather(
            *(
                client.claim(run(f"{number}", task_id=f"t-{task}"), LIFETIME, LEDGER_LIFE)
                for task in range(TASKS)
                for number, client in enumerate(clients)
            )
        )
    for task in range(TASKS):
        of_task = answers[task * CLIENTS : (task + 1) * CLIENTS]
        assert sum(isinstance(answer, Claimed) for answer in of_task) == 1
        assert sum(isinstance(answer, Held) for answer in of_task) == CLIENTS - 1


async def test_a_worker_with_very_many_slots_takes_turns(redis_store: Store) -> None:
    """More calls at once than connections: they wait, and Redis is not called unreachable."""
    answers = await asyncio.gather(
        *(
            redis_store.claim(run(f"{number}", task_id=f"t-{number}"), LIFETIME, LEDGER_LIFE)
            for number in range(500)
        )
    )
    assert all(isinstance(answer, Claimed) for answer in answers)


async def test_every_key_has_a_lifetime(redis_store: Store, raw: Any, key_prefix: str) -> None:
    await renewed(redis_store, await granted(redis_store, run("a", task_id="running")))
    await finished(redis_store, await granted(redis_store, run("b", task_id="done")))
    await redis_store.release(await granted(redis_store, run("c", task_id="put off")))
    await redis_store.request_cancel("cancelled", "why", KEEP)
    dead = await abandon(redis_store, run("d", task_id="dead"))
    await granted(redis_store, run("e", task_id="dead"))
    assert await finished(redis_store, dead) == Late()
    lives = {key: await raw.pttl(key) for key in await raw.keys(f"{key_prefix}*")}
    assert len(lives) >= 9
    assert {key for key, life_ms in lives.items() if life_ms <= 0} == set()


async def test_a_ledger_outlives_its_result(redis_store: Store, raw: Any, key_prefix: str) -> None:
    """Else a run from before the result could finish after it."""
    keys = Keys(key_prefix)
    await finished(redis_store, await granted(redis_store, run("a")))
    assert await raw.pttl(keys.ledger("t-1")) >= await raw.pttl(keys.result("t-1"))


async def test_nothing_shortens_a_lifetime_but_a_shorter_claim(
    redis_store: Store, raw: Any, key_prefix: str
) -> None:
    keys = Keys(key_prefix)
    await redis_store.request_cancel("t-2", "why", KEEP)
    await redis_store.request_cancel("t-2", "why", LIFETIME)
    assert await raw.pttl(keys.cancel("t-2")) > LIFETIME.total_seconds() * 1000
    await redis_store.release(await granted(redis_store, run("a"), LIFETIME, KEEP))
    await granted(redis_store, run("b"), LIFETIME, LEDGER_LIFE)
    assert await raw.pttl(keys.ledger("t-1")) > LEDGER_LIFE.total_seconds() * 1000


@pytest.mark.parametrize("task_id", ["t-1", "{", "}", "{}", "}{", "a}b{c", ""])
def test_the_keys_of_a_task_lie_in_one_slot_of_a_cluster(task_id: str) -> None:
    keys = Keys("llmbus").of_task(task_id)
    slot_of = cast(Any, crc).key_slot
    assert len(set(keys)) == 4
    assert len({slot_of(key.encode()) for key in keys}) == 1


async def test_people_can_read_who_has_a_task(
    redis_store: Store, raw: Any, key_prefix: str
) -> None:
    claim = await granted(redis_store, run("a", attempt=2))
    assert await raw.hgetall(Keys(key_prefix).claim("t-1")) == {
        b"token": str(claim.token).encode(),
        b"holder": b"w-of-a",
        b"submission": b"s-1",
        b"attempt": b"2",
    }


async def test_scripts_are_sent_again_after_a_restart_of_redis(
    redis_store: Store, raw: Any
) -> None:
    await raw.script_flush()
    claim = await granted(redis_store, run("a"))
    await raw.script_flush()
    assert await renewed(redis_store, claim) == Renewed()
    await raw.script_flush()
    await redis_store.release(claim)
    await raw.script_flush()
    assert await finished(redis_store, claim) == Late()
    await raw.script_flush()
    assert await redis_store.late_results() == 1
    await raw.script_flush()
    await redis_store.request_cancel("t-1", "why", KEEP)
    assert isinstance(await redis_store.claim(run("b"), LIFETIME, LEDGER_LIFE), Cancelled)


async def test_tokens_grow_on_when_redis_has_lost_its_data(
    redis_store: Store, redis_url: str, key_prefix: str
) -> None:
    old = await granted(redis_store, run("a"))
    delete_keys(redis_url, key_prefix)
    new = await granted(redis_store, run("b"))
    assert new.token > old.token
    assert await finished(redis_store, old) == Late()
    assert await finished(redis_store, new) == Stored()


@pytest.mark.parametrize("renews_first", [True, False])
async def test_a_run_goes_on_when_redis_has_lost_its_data(
    redis_store: Store, redis_url: str, key_prefix: str, renews_first: bool
) -> None:
    claim = await granted(redis_store, run("a"))
    delete_keys(redis_url, key_prefix)
    if renews_first:
        assert await renewed(redis_store, claim) == Renewed()
        answer = await redis_store.claim(run("b"), LIFETIME, LEDGER_LIFE)
        assert isinstance(answer, Held)
        assert answer.holder == "w-of-a"
    assert await finished(redis_store, claim) == Stored()


async def test_a_ledger_that_was_evicted_lets_nobody_replace_a_result(
    redis_store: Store, raw: Any, key_prefix: str
) -> None:
    """Under memory pressure Redis may be set to drop any key that expires."""
    frozen = await abandon(redis_store, run("frozen"))
    heir = await granted(redis_store, run("heir"))
    await finished(redis_store, heir)
    await raw.delete(Keys(key_prefix).ledger("t-1"))
    assert await renewed(redis_store, frozen) == Lost()
    assert await finished(redis_store, frozen) == Late()
