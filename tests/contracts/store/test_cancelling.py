"""Cancelled stays cancelled, done stays done, on every store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from llmbus.shared.store.claims import (
    AlreadyFinished,
    Cancelled,
    CancelNoted,
    CancelRequested,
    Claimed,
    Finished,
    Held,
    Renewed,
    Stored,
)
from llmbus.shared.store.interface import Store
from tests.contracts.store.claimants import (
    KEEP,
    LEDGER_LIFE,
    LIFETIME,
    abandon,
    finished,
    granted,
    renewed,
    run,
    started,
)
from tests.contracts.store.entries import SHORT
from tests.support.waiting import eventually

WHY = "the user left: ö\n"


async def test_a_task_nobody_knows_yet_is_cancelled_for_all_who_come(store: Store) -> None:
    before = datetime.now(UTC)
    assert await store.request_cancel("t-1", WHY, KEEP) == CancelNoted(None)
    for who in (run("a"), run("b", submission="s-2", attempt=2)):
        answer = await store.claim(who, LIFETIME, LEDGER_LIFE)
        assert isinstance(answer, Cancelled)
        assert answer.reason == WHY
        assert abs(answer.at - before) < LIFETIME
    await granted(store, run("c", task_id="neighbour"))


async def test_a_run_hears_of_its_cancellation_with_the_next_renewal(store: Store) -> None:
    claim = await granted(store, run("a"))
    neighbour = await granted(store, run("b", task_id="t-2"))
    assert await store.request_cancel("t-1", WHY, KEEP) == CancelNoted("w-of-a")
    answers = await store.renew([claim, neighbour])
    asked = answers["a"]
    assert isinstance(asked, CancelRequested)
    assert asked.reason == WHY
    assert answers["b"] == Renewed()
    assert isinstance(await store.claim(run("c"), LIFETIME, LEDGER_LIFE), Held)


async def test_what_was_cancelled_cannot_succeed_any_more(store: Store) -> None:
    claim = await granted(store, run("a"))
    await store.request_cancel("t-1", WHY, KEEP)
    for _ in range(2):
        assert isinstance(await finished(store, claim), Cancelled)
    assert await store.outcome_of("t-1") is None
    assert await finished(store, claim, succeeded=False) == Stored()
    answer = await store.claim(run("b"), LIFETIME, LEDGER_LIFE)
    assert isinstance(answer, Finished)
    assert not answer.result.succeeded
    assert await store.late_results() == 0


@pytest.mark.parametrize("succeeded", [True, False])
async def test_what_is_done_cannot_be_cancelled(store: Store, succeeded: bool) -> None:
    await finished(store, await granted(store, run("a")), succeeded=succeeded)
    assert await store.request_cancel("t-1", WHY, KEEP) == AlreadyFinished(succeeded)
    answer = await store.claim(run("b", submission="s-2"), LIFETIME, LEDGER_LIFE)
    assert isinstance(answer, Finished if succeeded else Claimed)


async def test_one_submission_is_cancelled_without_the_others(store: Store) -> None:
    assert await store.request_cancel("t-1", WHY, KEEP, submission="s-1") == CancelNoted(None)
    claim = await granted(store, run("a", submission="s-2"))
    assert await renewed(store, claim) == Renewed()
    await store.release(claim)
    assert isinstance(await store.claim(run("b"), LIFETIME, LEDGER_LIFE), Cancelled)


async def test_another_submission_that_runs_is_not_whom_it_concerns(store: Store) -> None:
    await granted(store, run("a"))
    answers = [
        await store.request_cancel("t-1", WHY, KEEP, submission=submission)
        for submission in ("s-2", "s-1")
    ]
    assert answers == [CancelNoted(None), CancelNoted("w-of-a")]


async def test_a_new_submission_of_a_failed_task_can_be_cancelled(store: Store) -> None:
    await finished(store, await granted(store, run("a")), succeeded=False)
    old = await store.request_cancel("t-1", WHY, KEEP, submission="s-1")
    new = await store.request_cancel("t-1", WHY, KEEP, submission="s-2")
    assert (old, new) == (AlreadyFinished(False), CancelNoted(None))
    answer = await store.claim(run("b", submission="s-2"), LIFETIME, LEDGER_LIFE)
    assert isinstance(answer, Cancelled)


async def test_the_first_reason_stays(store: Store) -> None:
    for reason in ("first", "second"):
        await store.request_cancel("t-1", reason, KEEP)
    answer = await store.claim(run("a"), LIFETIME, LEDGER_LIFE)
    assert isinstance(answer, Cancelled)
    assert answer.reason == "first"


async def test_a_run_whose_claim_was_granted_unheard_and_then_cancelled_frees_it(
    store: Store,
) -> None:
    await granted(store, run("a"))
    await store.request_cancel("t-1", WHY, KEEP, submission="s-1")
    assert isinstance(await store.claim(run("a"), LIFETIME, LEDGER_LIFE), Cancelled)
    assert (await started(store, run("b", submission="s-2"))).open_starts == 0


async def test_a_dead_run_does_not_hide_a_cancellation(store: Store) -> None:
    await abandon(store, run("dead"))
    await store.request_cancel("t-1", WHY, KEEP)
    assert isinstance(await store.claim(run("b"), LIFETIME, LEDGER_LIFE), Cancelled)


async def test_a_cancellation_is_dropped_when_its_time_is_over(store: Store) -> None:
    await store.request_cancel("t-1", WHY, SHORT)

    async def it_is_gone() -> bool:
        return isinstance(await store.claim(run("a"), LIFETIME, LEDGER_LIFE), Claimed)

    await eventually(it_is_gone, "the cancellation is dropped")
