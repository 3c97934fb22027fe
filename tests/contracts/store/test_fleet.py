"""Which workers are alive, on every store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from llmbus.shared.errors import ClosedError
from llmbus.shared.store.interface import Store, WorkerEntry
from tests.contracts.store.entries import LONG, SHORT, entry, without_age
from tests.support.waiting import eventually


async def test_an_empty_store_has_no_workers(store: Store) -> None:
    assert await store.workers() == []


async def test_a_worker_is_listed_as_it_announced_itself(store: Store) -> None:
    worker = entry("w-1", draining=True)
    await store.announce(worker, LONG)
    assert [without_age(listed) for listed in await store.workers()] == [worker]


async def test_workers_are_listed_by_id(store: Store) -> None:
    for worker_id in ("w-2", "w-10", "w-1"):
        await store.announce(entry(worker_id), LONG)
    assert [worker.worker_id for worker in await store.workers()] == ["w-1", "w-10", "w-2"]


async def test_a_name_may_hold_anything(store: Store) -> None:
    worker = entry("w:{ö} 1\n*", models=(), host='"quoted"')
    await store.announce(worker, LONG)
    assert [without_age(listed) for listed in await store.workers()] == [worker]
    await store.withdraw(worker.worker_id)
    assert await store.workers() == []


async def test_the_newest_announcement_replaces_the_one_before(store: Store) -> None:
    await store.announce(entry("w-1", slots_used=1, models=("old",)), LONG)
    await store.announce(entry("w-1", slots_used=2, models=()), LONG)
    (listed,) = await store.workers()
    assert (listed.slots_used, listed.models) == (2, ())


async def test_a_worker_that_falls_silent_is_gone_when_its_lifetime_is_over(store: Store) -> None:
    await store.announce(entry("silent"), SHORT)
    await store.announce(entry("alive"), LONG)

    async def only_one_is_left() -> bool:
        return [worker.worker_id for worker in await store.workers()] == ["alive"]

    await eventually(only_one_is_left, "the silent worker disappears")


async def test_a_heartbeat_extends_the_lifetime(store: Store) -> None:
    await store.announce(entry("w-1"), SHORT)
    await store.announce(entry("w-1"), LONG)
    await store.announce(entry("shorter"), SHORT)

    async def the_other_is_gone() -> bool:
        return [worker.worker_id for worker in await store.workers()] == ["w-1"]

    await eventually(the_other_is_gone, "the worker with the short lifetime disappears")


async def test_the_age_of_the_heartbeat_counts_from_the_newest(store: Store) -> None:
    await store.announce(entry("w-1", heartbeat_age=timedelta(hours=1)), LONG)

    async def some_time_has_passed() -> bool:
        return _age_of(await store.workers()) > timedelta(milliseconds=50)

    await eventually(some_time_has_passed, "the heartbeat grows older")
    before = _age_of(await store.workers())
    await store.announce(entry("w-1"), LONG)
    assert timedelta(0) <= _age_of(await store.workers()) < max(before, timedelta(seconds=5))


async def test_a_worker_that_withdraws_is_gone_at_once(store: Store) -> None:
    await store.announce(entry("w-1"), LONG)
    await store.announce(entry("w-2"), LONG)
    await store.withdraw("w-1")
    assert [worker.worker_id for worker in await store.workers()] == ["w-2"]


async def test_withdrawing_twice_or_without_an_announcement_is_harmless(store: Store) -> None:
    await store.announce(entry("w-1"), LONG)
    for worker_id in ("w-1", "w-1", "never-there"):
        await store.withdraw(worker_id)
    assert await store.workers() == []


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1)])
async def test_a_lifetime_must_last(store: Store, lifetime: timedelta) -> None:
    with pytest.raises(ValueError, match="at least one millisecond"):
        await store.announce(entry("w-1"), lifetime)
    assert await store.workers() == []


async def test_a_store_is_used_inside_its_context_only(closed_store: Store) -> None:
    with pytest.raises(ClosedError):
        await closed_store.workers()
    async with closed_store:
        await closed_store.announce(entry("w-1"), LONG)
    for call in (
        closed_store.announce(entry("w-1"), LONG),
        closed_store.withdraw("w-1"),
        closed_store.workers(),
    ):
        with pytest.raises(ClosedError):
            await call


def _age_of(workers: list[WorkerEntry]) -> timedelta:
    (worker,) = workers
    assert worker.heartbeat_age is not None
    return worker.heartbeat_age
