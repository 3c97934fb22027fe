"""Runs that ask a store for a task, and what they expect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from llmbus.shared.store.claims import (
    Cancelled,
    Claim,
    Claimant,
    Claimed,
    FinishAnswer,
    RenewAnswer,
)
from llmbus.shared.store.interface import Store
from tests.support.waiting import eventually

LIFETIME = timedelta(minutes=1)
LEDGER_LIFE = timedelta(hours=1)
KEEP = timedelta(hours=2)
ABANDONED_AFTER = timedelta(milliseconds=20)
JSON = "application/json"
BODY = b'{"output": "\xc3\xb6"}\x00\xff'


def run(run_id: str, **changes: Any) -> Claimant:
    """A run of the first submission of task `t-1`."""
    claimant = Claimant(
        task_id="t-1", submission="s-1", attempt=1, holder=f"w-of-{run_id}", run_id=run_id
    )
    return msgspec.structs.replace(claimant, **changes)


async def granted(
    store: Store,
    who: Claimant,
    lifetime: timedelta = LIFETIME,
    ledger_life: timedelta = LEDGER_LIFE,
) -> Claim:
    """The claim of a run that must get it."""
    return (await started(store, who, lifetime, ledger_life)).claim


async def started(
    store: Store,
    who: Claimant,
    lifetime: timedelta = LIFETIME,
    ledger_life: timedelta = LEDGER_LIFE,
) -> Claimed:
    """The answer to a run that must get its task."""
    answer = await store.claim(who, lifetime, ledger_life)
    assert isinstance(answer, Claimed), answer
    return answer


async def renewed(store: Store, claim: Claim) -> RenewAnswer:
    """The answer for this claim alone."""
    return (await store.renew([claim]))[claim.claimant.run_id]


async def finished(store: Store, claim: Claim, *, succeeded: bool = True) -> FinishAnswer:
    """The answer to a run that has a result, kept long."""
    return await store.finish(claim, BODY, JSON, succeeded=succeeded, keep=KEEP)


async def abandon(store: Store, who: Claimant, ledger_life: timedelta = LEDGER_LIFE) -> Claim:
    """The claim of a run that has died: it has lapsed, its start stays open, and nobody had it."""
    claim = await granted(store, who, ABANDONED_AFTER, ledger_life)
    # who asks for a cancelled submission sees whether the task is held, and never gets it
    onlooker = run("onlooker", task_id=who.task_id, submission="cancelled")
    await store.request_cancel(who.task_id, "only to look", KEEP, submission="cancelled")

    async def it_has_lapsed() -> bool:
        return isinstance(await store.claim(onlooker, LIFETIME, LEDGER_LIFE), Cancelled)

    await eventually(it_has_lapsed, f"the claim of {who.run_id} lapses")
    return claim
