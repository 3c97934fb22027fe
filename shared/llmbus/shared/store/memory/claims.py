"""The right to run a task and its result, in memory: the rules of `Claims` in plain Python."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from llmbus.shared.store.claims import (
    AlreadyFinished,
    CancelAnswer,
    Cancelled,
    CancelNoted,
    CancelRequested,
    Claim,
    ClaimAnswer,
    Claimant,
    Claimed,
    FinishAnswer,
    Finished,
    Held,
    Late,
    Lost,
    RenewAnswer,
    Renewed,
    Stored,
    StoredResult,
    Superseded,
)
from llmbus.shared.store.lifetime import (
    LATE_RESULTS_LIFE,
    checked_ledger_life,
    checked_lifetime,
)
from llmbus.shared.store.memory.opening import MemoryOpening
from llmbus.shared.store.memory.task_record import TaskRecord

__all__ = ["MemoryClaims"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FEWEST_TO_SWEEP: Final = 1000


class MemoryClaims(MemoryOpening):
    """The claims and results of one process, each until it expires."""

    def _forget(self) -> None:
        super()._forget()
        self._records: dict[str, TaskRecord] = {}
        self._late: dict[tuple[str, int], datetime] = {}
        self._sweep_at = _FEWEST_TO_SWEEP

    async def claim(
        self, who: Claimant, lifetime: timedelta, ledger_life: timedelta
    ) -> ClaimAnswer:
        checked_ledger_life(ledger_life, checked_lifetime(lifetime))
        now = self._now()
        self._sweep_now_and_then(now)
        record = self._record(who.task_id, now)
        if result := record.answer_for(who.submission):
            return Finished(result)
        is_own = record.open_starts.get(record.last_token) == who.run_id
        if record.claim and not is_own:
            return Held(record.claim.claimant.holder, record.claim_ends - now)
        if not is_own and record.is_superseded(who.submission, who.attempt):
            return Superseded()
        token = record.last_token if is_own else max(record.last_token + 1, _microseconds(now))
        claim = Claim(claimant=who, token=token, lifetime=lifetime, ledger_life=ledger_life)
        if cancellation := record.cancellation_of(who.submission):
            if is_own:
                record.end(claim, now)
            return cancellation
        record.make_room()
        record.hold(claim, now)
        return Claimed(claim, open_starts=len(record.open_starts) - 1)

    async def renew(self, claims: Collection[Claim]) -> Mapping[str, RenewAnswer]:
        now = self._now()
        return {claim.claimant.run_id: self._renew_one(claim, now) for claim in claims}

    def _renew_one(self, claim: Claim, now: datetime) -> RenewAnswer:
        record = self._record(claim.claimant.task_id, now)
        if not record.is_current(claim):
            return Lost()
        record.hold(claim, now)
        if cancellation := record.cancellation_of(claim.claimant.submission):
            return CancelRequested(cancellation.reason, cancellation.at)
        return Renewed()

    async def finish(
        self, claim: Claim, body: bytes, content_type: str, *, succeeded: bool, keep: timedelta
    ) -> FinishAnswer:
        checked_lifetime(keep)
        now = self._now()
        record = self._record(claim.claimant.task_id, now)
        if record.finished_token == claim.token:
            return Stored()
        if not record.is_current(claim):
            record.open_starts.pop(claim.token, None)
            self._late[claim.claimant.task_id, claim.token] = now + LATE_RESULTS_LIFE
            return Late()
        submission = claim.claimant.submission
        if succeeded and (cancellation := record.cancellation_of(submission)):
            return cancellation
        result = StoredResult(
            body=body, content_type=content_type, submission=submission, succeeded=succeeded
        )
        record.keep_result(result, claim, now)
        record.result_ends = now + keep
        record.keep_ledger(now, keep)
        return Stored()

    async def release(self, claim: Claim) -> None:
        now = self._now()
        self._record(claim.claimant.task_id, now).end(claim, now)

    async def pass_on(self, claim: Claim) -> None:
        now = self._now()
        record = self._record(claim.claimant.task_id, now)
        who = claim.claimant
        if not record.is_superseded(who.submission, who.attempt):
            record.passed[who.submission] = who.attempt
        record.end(claim, now)

    async def request_cancel(
        self, task_id: str, reason: str, keep: timedelta, *, submission: str | None = None
    ) -> CancelAnswer:
        checked_lifetime(keep)
        now = self._now()
        record = self._record(task_id, now)
        result = record.result if submission is None else record.answer_for(submission)
        if result:
            return AlreadyFinished(result.succeeded)
        record.cancellations.setdefault(submission, Cancelled(reason, now))
        record.cancellations_end = max(record.cancellations_end, now + keep)
        holder = record.claim.claimant if record.claim else None
        if holder and submission in (None, holder.submission):
            return CancelNoted(holder.holder)
        return CancelNoted(None)

    async def forget(self, task_id: str) -> None:
        record = self._record(task_id, self._now())
        record.result = None
        record.earlier_results.clear()
        record.cancellations.clear()

    async def outcome_of(self, task_id: str) -> StoredResult | None:
        return self._record(task_id, self._now()).result

    async def late_results(self) -> int:
        now = self._now()
        return sum(ends > now for ends in self._late.values())

    def _record(self, task_id: str, now: datetime) -> TaskRecord:
        record = self._records.setdefault(task_id, TaskRecord())
        record.drop_expired(now)
        return record

    def _sweep_now_and_then(self, now: datetime) -> None:
        """What nobody asks for again must go, too. Sweeping whenever the number of records has
        doubled costs each claim the same, however many there are."""
        if len(self._records) < self._sweep_at:
            return
        self._records = {
            task_id: record
            for task_id, record in self._records.items()
            if not record.drop_expired(now)
        }
        self._late = {run: ends for run, ends in self._late.items() if ends > now}
        self._sweep_at = max(2 * len(self._records), _FEWEST_TO_SWEEP)


def _microseconds(now: datetime) -> int:
    return (now - _EPOCH) // timedelta(microseconds=1)
