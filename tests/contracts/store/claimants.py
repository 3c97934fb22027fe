"""Runs that ask a store for a task, and what they expect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from llmbus.shared.store.claims import (
    Claim,
    Claimant,
    Claimed,
    FinishAnswer,
    RenewAnswer,
)
from llmbus.shared.store.interface import Store

LIFETIME = timedelta(minutes=1)
LEDGER_LIFE = timedelta(hours=1)
KEEP = timedelta(hours=2)
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


async def lapsed(store: Store, who: Claimant, ledger_life: timedelta = LEDGER_LIFE) -> Claim:
    """The claim of a run that has died: its lifetime is over when this returns."""
    return await granted(store, who, timedelta(milliseconds=1), ledger_life)
