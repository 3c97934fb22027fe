"""Who may run a task, on every store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from llmbus.shared.store.claims import (
    Finished,
    Held,
    Late,
    Lost,
    Renewed,
    Stored,
    StoredResult,
)
from llmbus.shared.store.interface import Store
from tests.contracts.store.claimants import (
    BODY,
    JSON,
    LEDGER_LIFE,
    LIFETIME,
    finished,
    granted,
    renewed,
    run,
    started,
)
from tests.contracts.store.entries import SHORT
from tests.support.waiting import eventually


async def lapse(store: Store, run_id: str) -> None:
    """Wait until the claim of a short-lived run is over, which leaves its start open."""

    async def somebody_else_gets_it() -> bool:
        answer = await store.claim(run("probe"), LIFETIME, LEDGER_LIFE)
        return not isinstance(answer, Held)

    await eventually(somebody_else_gets_it, f"the claim of {run_id} lapses")


async def test_the_first_to_ask_gets_the_task(store: Store) -> None:
    answer = await started(store, run("a"))
    assert answer.open_starts == 0
    assert (answer.claim.claimant, answer.claim.lifetime) == (run("a"), LIFETIME)


async def test_who_asks_while_it_runs_hears_by_whom_and_for_how_long(store: Store) -> None:
    await granted(store, run("a", holder="w:{ö}\n1"))
    answer = await store.claim(run("b"), LIFETIME, LEDGER_LIFE)
    assert isinstance(answer, Held)
    assert answer.holder == "w:{ö}\n1"
    assert timedelta() < answer.expires_in <= LIFETIME


async def test_the_same_worker_is_another_run(store: Store) -> None:
    await granted(store, run("a", holder="w-1"))
    answer = await store.claim(run("b", holder="w-1"), LIFETIME, LEDGER_LIFE)
    assert isinstance(answer, Held)


async def test_asking_again_after_a_lost_answer_gives_the_same_claim(store: Store) -> None:
    first = await started(store, run("a"))
    assert await started(store, run("a")) == first


async def test_a_result_answers_whoever_asks_later(store: Store) -> None:
    claim = await granted(store, run("a"))
    assert await finished(store, claim) == Stored()
    kept = StoredResult(body=BODY, content_type=JSON, submission="s-1", succeeded=True)
    for later in (run("b"), run("c", submission="s-2")):
        assert await store.claim(later, LIFETIME, LEDGER_LIFE) == Finished(kept)


async def test_a_lapsed_claim_is_taken_over_with_a_higher_token(store: Store) -> None:
    old = await granted(store, run("a"), SHORT)
    await lapse(store, "a")
    new = await started(store, run("probe"))
    assert new.claim.token > old.token
    assert new.open_starts == 1
    assert await renewed(store, old) == Lost()
    assert await finished(store, old) == Late()
    assert await renewed(store, new.claim) == Renewed()
    assert await store.late_results() == 1


@pytest.mark.parametrize(
    ("lifetime", "ledger_life"),
    [(timedelta(microseconds=999), LEDGER_LIFE), (LIFETIME, LIFETIME - timedelta.resolution)],
)
async def test_lifetimes_that_cannot_fence_are_refused(
    store: Store, lifetime: timedelta, ledger_life: timedelta
) -> None:
    with pytest.raises(ValueError, match="life"):
        await store.claim(run("a"), lifetime, ledger_life)
