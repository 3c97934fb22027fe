"""How a task ended, once, on every store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from llmbus.shared.store.claims import (
    AlreadyFinished,
    Claimed,
    Finished,
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


async def test_a_success_answers_every_later_submission(store: Store) -> None:
    assert await store.outcome_of("t-1") is None
    assert await finished(store, await granted(store, run("a"))) == Stored()
    kept = StoredResult(body=BODY, content_type=JSON, submission="s-1", succeeded=True)
    for later in (run("b"), run("c", submission="s-2")):
        assert await store.claim(later, LIFETIME, LEDGER_LIFE) == Finished(kept)
    assert await store.outcome_of("t-1") == kept


async def test_any_other_result_answers_its_own_submission_only(store: Store) -> None:
    await finished(store, await granted(store, run("a")), succeeded=False)
    kept = StoredResult(body=BODY, content_type=JSON, submission="s-1", succeeded=False)
    assert await store.claim(run("b"), LIFETIME, LEDGER_LIFE) == Finished(kept)
    assert (await started(store, run("c", submission="s-2"))).open_starts == 0
    assert await store.outcome_of("t-1") is None


async def test_a_failure_answers_its_own_submission_while_later_ones_run(store: Store) -> None:
    """A copy of the first message is still about: its ack was lost."""
    kept = StoredResult(body=BODY, content_type=JSON, submission="s-1", succeeded=False)
    await finished(store, await granted(store, run("a")), succeeded=False)
    second = await granted(store, run("b", submission="s-2"))
    assert await store.claim(run("copy"), LIFETIME, LEDGER_LIFE) == Finished(kept)
    await store.release(second)
    assert await store.claim(run("copy"), LIFETIME, LEDGER_LIFE) == Finished(kept)
    third = await granted(store, run("c", submission="s-2"))
    await finished(store, third, succeeded=False)
    assert await store.claim(run("copy"), LIFETIME, LEDGER_LIFE) == Finished(kept)
    assert await store.request_cancel("t-1", "why", LIFETIME, submission="s-1") == (
        AlreadyFinished(False)
    )
    await store.forget("t-1")
    assert (await started(store, run("copy"))).open_starts == 0


async def test_a_success_answers_those_that_had_failed_as_well(store: Store) -> None:
    kept = StoredResult(body=BODY, content_type=JSON, submission="s-2", succeeded=True)
    await finished(store, await granted(store, run("a")), succeeded=False)
    await finished(store, await granted(store, run("b", submission="s-2")))
    assert await store.claim(run("copy"), LIFETIME, LEDGER_LIFE) == Finished(kept)


async def test_an_end_clears_the_open_starts(store: Store) -> None:
    await abandon(store, run("killed"))
    await finished(store, await granted(store, run("a")), succeeded=False)
    assert (await started(store, run("b", submission="s-2"))).open_starts == 0


@pytest.mark.parametrize("size", [0, 8 * 1024 * 1024])
async def test_a_result_of_any_size_comes_back_byte_for_byte(store: Store, size: int) -> None:
    body = bytes(range(256)) * (size // 256)
    claim = await granted(store, run("a"))
    await store.finish(claim, body, JSON, succeeded=True, keep=KEEP)
    result = await store.outcome_of("t-1")
    assert result is not None
    assert result.body == body


async def test_a_result_is_dropped_when_its_time_is_over(store: Store) -> None:
    claim = await granted(store, run("a"))
    await store.finish(claim, BODY, JSON, succeeded=True, keep=SHORT)

    async def it_is_gone() -> bool:
        return await store.outcome_of("t-1") is None

    await eventually(it_is_gone, "the result is dropped")
    again = await granted(store, run("b"))
    assert again.token > claim.token


async def test_a_result_kept_for_no_time_is_refused(store: Store) -> None:
    claim = await granted(store, run("a"))
    with pytest.raises(ValueError, match="millisecond"):
        await store.finish(claim, BODY, JSON, succeeded=True, keep=timedelta())


async def test_finishing_again_after_a_lost_answer_is_no_second_result(store: Store) -> None:
    claim = await granted(store, run("a"))
    assert [await finished(store, claim) for _ in range(2)] == [Stored(), Stored()]
    assert await store.late_results() == 0


async def test_a_result_counts_as_stored_even_when_a_new_submission_dropped_it(
    store: Store,
) -> None:
    """Else the run whose answer was lost would publish nothing to its own submission."""
    claim = await granted(store, run("a"))
    await finished(store, claim, succeeded=False)
    await granted(store, run("b", submission="s-2"))
    assert await finished(store, claim, succeeded=False) == Stored()


async def test_a_run_that_was_taken_over_can_no_longer_finish(store: Store) -> None:
    """As a worker that was frozen for longer than its claim lives, and thaws."""
    frozen = await abandon(store, run("frozen"))
    heir = await granted(store, run("heir"))
    assert await renewed(store, frozen) == Lost()
    assert await finished(store, frozen) == Late()
    assert await store.outcome_of("t-1") is None
    assert await renewed(store, heir) == Renewed()
    assert await finished(store, heir) == Stored()


async def test_a_late_result_is_refused_after_the_end_as_well(store: Store) -> None:
    frozen = await abandon(store, run("frozen"))
    heir = await granted(store, run("heir"))
    await store.finish(heir, b"the heir's", JSON, succeeded=True, keep=KEEP)
    assert await finished(store, frozen) == Late()
    result = await store.outcome_of("t-1")
    assert result is not None
    assert result.body == b"the heir's"


async def test_late_results_are_counted_once_each(store: Store) -> None:
    assert await store.late_results() == 0
    for task_id in ("t-1", "t-2"):
        frozen = await abandon(store, run("frozen", task_id=task_id))
        await granted(store, run("heir", task_id=task_id))
        for _ in range(2):
            assert await finished(store, frozen) == Late()
    assert await store.late_results() == 2


async def test_a_refused_run_has_ended(store: Store) -> None:
    frozen = await abandon(store, run("frozen"))
    assert (await started(store, run("heir"))).open_starts == 1
    await finished(store, frozen)
    assert (await started(store, run("heir"))).open_starts == 0


async def test_a_claim_that_lapsed_unnoticed_does_not_cost_the_answer(store: Store) -> None:
    """Nobody else began, so what was paid for is the result."""
    claim = await abandon(store, run("slow"))
    assert await finished(store, claim) == Stored()


async def test_a_run_that_was_released_cannot_finish(store: Store) -> None:
    """Its retry is on the way, and may have been handed over already."""
    claim = await granted(store, run("a"))
    await store.release(claim)
    assert await finished(store, claim) == Late()
    assert isinstance(await store.claim(run("b"), LIFETIME, LEDGER_LIFE), Claimed)
