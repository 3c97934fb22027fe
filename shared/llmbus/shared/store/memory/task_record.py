"""All that the memory store knows of one task id, each part until its own moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from llmbus.shared.store.claims import Cancelled, Claim, StoredResult

__all__ = ["TaskRecord"]

_FOREVER_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class TaskRecord:
    """Call `drop_expired` before reading anything."""

    claim: Claim | None = None
    claim_ends: datetime = _FOREVER_AGO

    last_token: int = 0
    """The highest that was given."""
    ended_token: int = 0
    """The highest whose run has ended in order."""
    finished_token: int = 0
    """Whose run stored the result last."""
    open_starts: dict[int, str] = field(default_factory=dict[int, str])
    """Token to run id."""
    passed: dict[str, int] = field(default_factory=dict[str, int])
    """By submission: the attempt that was passed on last."""
    ledger_ends: datetime = _FOREVER_AGO

    result: StoredResult | None = None
    earlier_results: dict[str, StoredResult] = field(default_factory=dict[str, StoredResult])
    """By submission: failures that made room for a later submission's run. A copy of such a
    message that is still about is answered by its own, as before."""
    result_ends: datetime = _FOREVER_AGO

    cancellations: dict[str | None, Cancelled] = field(default_factory=dict[str | None, Cancelled])
    """By submission; None stands for all of them."""
    cancellations_end: datetime = _FOREVER_AGO

    def drop_expired(self, now: datetime) -> bool:
        """Forget what is over; True if nothing is left."""
        if self.claim_ends <= now:
            self.claim = None
        if self.result_ends <= now:
            self.result = None
            self.earlier_results.clear()
        if self.cancellations_end <= now:
            self.cancellations.clear()
        if self.ledger_ends <= now:
            self.last_token = self.ended_token = self.finished_token = 0
            self.open_starts.clear()
            self.passed.clear()
        results = self.result or self.earlier_results
        return not (self.claim or results or self.cancellations or self.last_token)

    def hold(self, claim: Claim, now: datetime) -> None:
        """Let this run have the task for its lifetime from now, and count its start once."""
        self.claim, self.claim_ends = claim, now + claim.lifetime
        self.last_token = claim.token
        self.open_starts[claim.token] = claim.claimant.run_id
        self.keep_ledger(now, claim.ledger_life)

    def end(self, claim: Claim, now: datetime) -> None:
        """This run is over: it has the task no longer and its start is not open."""
        if self.claim and self.claim.token == claim.token:
            self.claim = None
        self.open_starts.pop(claim.token, None)
        self.last_token = max(self.last_token, claim.token)
        self.ended_token = max(self.ended_token, claim.token)
        self.keep_ledger(now, claim.ledger_life)

    def keep_ledger(self, now: datetime, life: timedelta) -> None:
        """Keep the ledger for so long from now, if it would not live longer anyway."""
        self.ledger_ends = max(self.ledger_ends, now + life)

    def is_current(self, claim: Claim) -> bool:
        """Whether no other run had or answered the task since, and this one has not ended."""
        if self.last_token > claim.token or self.ended_token >= claim.token:
            return False
        return self.answer_for(claim.claimant.submission) is None

    def is_superseded(self, submission: str, attempt: int) -> bool:
        """Whether this attempt was passed on before."""
        return self.passed.get(submission, 0) >= attempt

    def answer_for(self, submission: str) -> StoredResult | None:
        """The stored result, if it answers this submission."""
        if self.result and (self.result.succeeded or self.result.submission == submission):
            return self.result
        return self.earlier_results.get(submission)

    def keep_result(self, result: StoredResult, claim: Claim, now: datetime) -> None:
        """The task has ended with it. A success leaves nothing to be remembered beside it."""
        self.result = result
        self.finished_token = claim.token
        self.end(claim, now)
        self.open_starts.clear()
        self.passed.pop(result.submission, None)
        if result.succeeded:
            self.passed.clear()
            self.earlier_results.clear()

    def make_room(self) -> None:
        """For the result of a run that begins now."""
        if self.result is not None:
            self.earlier_results[self.result.submission] = self.result
        self.result = None

    def cancellation_of(self, submission: str) -> Cancelled | None:
        """What cancels this submission, if anything does: what was asked for all goes first."""
        return self.cancellations.get(None) or self.cancellations.get(submission)
