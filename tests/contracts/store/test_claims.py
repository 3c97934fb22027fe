"""Who may run a task, on every store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from llmbus.shared.store.claims import (
    Cancelled,
    Claimed,
    Finished,
    Held,
    Lost,
    Renewed,
    Superseded,
)
from llmbus.shared.store.interface import Store
from tests.contracts.store.claimants import (
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


async def test_the_first_to_ask_gets_the_task(store: Store) -> None:
    answer = await started(store, run("a"))
    assert answer.open_starts == 0
    assert answer.claim.claimant == run("a")
    assert (answer.claim.lifetime, answer.claim.ledger_life) == (LIFETIME, LEDGER_LIFE)


async def test_who_asks_while_it_runs_hears_by_whom_and_for_how_long(store: Store) -> None:
    await granted(store, run("a", holder="w:{ö}\n1"))
    answer = await store.claim(run("b"), LIFETIME, LEDGER_LIFE)
    assert isinstance(answer, Held)
    assert answer.holder == "w:{ö}\n1"
    assert timedelta() < answer.expires_in <= LIFETIME


async def test_another_run_in_the_same_worker_has_to_wait_too(store: Store) -> None:
    await granted(store, run("a", holder="w-1"))
    answer = await store.claim(run("b", holder="w-1"), LIFETIME, LEDGER_LIFE)
    assert isinstance(answer, Held)


@pytest.mark.parametrize("task_id", ["{", "}", "{}", "a}:claim", "t:{ö}\n*", " "])
async def test_a_task_id_may_hold_anything(store: Store, task_id: str) -> None:
    claim = await granted(store, run("a", task_id=task_id))
    assert await renewed(store, claim) == Renewed()
    await granted(store, run("b", task_id="neighbour"))
    await finished(store, claim)
    assert await store.outcome_of(task_id) is not None
    assert await store.outcome_of("neighbour") is None


async def test_asking_again_after_a_lost_answer_gives_the_same_claim(store: Store) -> None:
    first = await started(store, run("a"))
    assert await started(store, run("a")) == first


async def test_asking_again_after_the_claim_lapsed_charges_one_start_only(store: Store) -> None:
    claim = await abandon(store, run("a"))
    answer = await started(store, run("a"))
    assert (answer.claim.token, answer.open_starts) == (claim.token, 0)


async def test_a_released_task_is_free_and_its_start_not_counted(store: Store) -> None:
    first = await granted(store, run("a"))
    await store.release(first)
    second = await started(store, run("b", attempt=2))
    assert second.open_starts == 0
    assert second.claim.token > first.token


async def test_releasing_again_does_not_touch_who_came_after(store: Store) -> None:
    first = await granted(store, run("a"))
    await store.release(first)
    second = await granted(store, run("b"))
    await store.release(first)
    assert isinstance(await store.claim(run("c"), LIFETIME, LEDGER_LIFE), Held)
    assert await renewed(store, second) == Renewed()


async def test_a_message_for_an_attempt_that_was_passed_on_is_not_run(store: Store) -> None:
    """Its ack was lost; the later attempt is what goes on, and reports a cancellation alone."""
    first = await granted(store, run("a", attempt=2))
    await store.pass_on(first)
    for attempt in (1, 2):
        again = run("redelivered", attempt=attempt)
        assert await store.claim(again, LIFETIME, LEDGER_LIFE) == Superseded()
    await store.request_cancel("t-1", "why", LIFETIME, submission="s-1")
    again = run("redelivered", attempt=2)
    assert await store.claim(again, LIFETIME, LEDGER_LIFE) == Superseded()
    later = await store.claim(run("b", attempt=3), LIFETIME, LEDGER_LIFE)
    assert isinstance(later, Cancelled)
    assert (await started(store, run("c", submission="s-2"))).open_starts == 0


async def test_passing_on_again_does_not_touch_who_came_after(store: Store) -> None:
    first = await granted(store, run("a"))
    await store.pass_on(first)
    second = await granted(store, run("b", attempt=2))
    await store.pass_on(second)
    third = await granted(store, run("c", attempt=3))
    await store.pass_on(first)
    assert isinstance(await store.claim(run("d", attempt=4), LIFETIME, LEDGER_LIFE), Held)
    await store.release(third)
    redelivered = run("e", attempt=2)
    assert await store.claim(redelivered, LIFETIME, LEDGER_LIFE) == Superseded()


async def test_what_was_passed_on_is_remembered_for_every_submission(store: Store) -> None:
    await store.pass_on(await granted(store, run("a")))
    await store.pass_on(await granted(store, run("b", submission="s-2")))
    second = await granted(store, run("c", attempt=2, submission="s-2"))
    await finished(store, second, succeeded=False)
    assert await store.claim(run("copy"), LIFETIME, LEDGER_LIFE) == Superseded()
    later = await granted(store, run("d", attempt=2))
    assert later.claimant.attempt == 2


async def test_a_lapsed_claim_is_taken_over_with_a_higher_token(store: Store) -> None:
    dead = await abandon(store, run("a"))
    answer = await started(store, run("b"))
    assert answer.claim.token > dead.token
    assert answer.open_starts == 1


async def test_starts_that_never_end_add_up(store: Store) -> None:
    for number in range(3):
        await abandon(store, run(f"killed-{number}"))
    assert (await started(store, run("d"))).open_starts == 3


async def test_an_orderly_run_between_two_deaths_wipes_out_neither(store: Store) -> None:
    """A run that was interrupted, or put off, proves nothing about the task."""
    await abandon(store, run("killed"))
    await store.release(await granted(store, run("put off")))
    await abandon(store, run("killed again"))
    assert (await started(store, run("d"))).open_starts == 2


async def test_open_starts_are_forgotten_with_the_ledger(store: Store) -> None:
    await abandon(store, run("killed"), ledger_life=SHORT)
    assert (await started(store, run("killed too"), SHORT, SHORT)).open_starts == 1

    async def both_are_forgotten() -> bool:
        answer = await store.claim(run("later"), LIFETIME, LEDGER_LIFE)
        return isinstance(answer, Claimed) and answer.open_starts == 0

    await eventually(both_are_forgotten, "the ledger is dropped")


async def test_the_neighbours_of_a_killed_run_are_not_charged(store: Store) -> None:
    """What the dead worker had been handed, and had not begun, was never claimed."""
    await abandon(store, run("a"))
    assert (await started(store, run("b", task_id="neighbour"))).open_starts == 0


async def test_a_run_that_outlived_its_claim_is_no_open_start_once_it_ends(store: Store) -> None:
    slow = await abandon(store, run("slow"))
    assert (await started(store, run("b"))).open_starts == 1
    await store.release(slow)
    assert (await started(store, run("b"))).open_starts == 0


async def test_renewing_outlives_the_first_lifetime(store: Store) -> None:
    short = await granted(store, run("a"), lifetime=timedelta(seconds=1))
    long = await granted(store, run("a"), lifetime=LIFETIME)
    assert await renewed(store, long) == Renewed()
    answer = await store.claim(run("b"), LIFETIME, LEDGER_LIFE)
    assert isinstance(answer, Held)
    assert answer.expires_in > short.lifetime


async def test_many_claims_are_renewed_at_once(store: Store) -> None:
    mine = await granted(store, run("a"))
    lost = await abandon(store, run("b", task_id="t-2"))
    await granted(store, run("c", task_id="t-2"))
    assert await store.renew([mine, lost]) == {"a": Renewed(), "b": Lost()}
    assert await store.renew([]) == {}


async def test_a_claim_that_lapsed_unnoticed_is_restored(store: Store) -> None:
    """The run is alive: a second one must not be paid for beside it."""
    claim = await abandon(store, run("a"))
    assert await renewed(store, claim) == Renewed()
    assert (await started(store, run("a"))).open_starts == 0


@pytest.mark.parametrize("end", ["finish", "release"])
async def test_a_renewal_that_comes_after_the_end_restores_nothing(store: Store, end: str) -> None:
    """It may have been on its way meanwhile; the retry must not meet a claim without a run."""
    claim = await granted(store, run("a"))
    await (store.release(claim) if end == "release" else finished(store, claim))
    assert await renewed(store, claim) == Lost()
    answer = await store.claim(run("b"), LIFETIME, LEDGER_LIFE)
    assert isinstance(answer, Claimed if end == "release" else Finished)


@pytest.mark.parametrize(
    ("lifetime", "ledger_life"),
    [(timedelta(microseconds=999), LEDGER_LIFE), (LIFETIME, LIFETIME - timedelta.resolution)],
)
async def test_lifetimes_that_cannot_fence_are_refused(
    store: Store, lifetime: timedelta, ledger_life: timedelta
) -> None:
    with pytest.raises(ValueError, match="life"):
        await store.claim(run("a"), lifetime, ledger_life)
