"""The bare bus: the worker of `with_llmbus`, on a store that costs nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from benchmarks.contender import Address, Agent
from benchmarks.with_llmbus import orchestrator, worker_with
from llmbus.shared.store.claims import (
    Claim,
    Claimant,
    Claimed,
    RenewAnswer,
    Renewed,
    Stored,
)
from llmbus.shared.store.memory import MemoryStore

__all__ = ["orchestrator", "worker"]


def worker(address: Address, concurrency: int, agent: Agent) -> AbstractAsyncContextManager[object]:
    """It publishes, confirms and acks as ever, and every task is free to run."""
    return worker_with(_GivesEveryClaim(), address, concurrency, agent)


class _GivesEveryClaim(MemoryStore):
    """Keeps no record, so nothing but the call itself is paid for."""

    async def claim(self, who: Claimant, lifetime: timedelta, ledger_life: timedelta) -> Claimed:
        claim = Claim(claimant=who, token=1, lifetime=lifetime, ledger_life=ledger_life)
        return Claimed(claim, open_starts=0)

    async def renew(self, claims: Collection[Claim]) -> Mapping[str, RenewAnswer]:
        return {claim.claimant.run_id: Renewed() for claim in claims}

    async def finish(
        self, claim: Claim, body: bytes, content_type: str, *, succeeded: bool, keep: timedelta
    ) -> Stored:
        return Stored()

    async def release(self, claim: Claim) -> None: ...
