"""The right to run a task now, and what became of the task: the part of a store that keeps a paid
call from being made twice (docs/decisions/0012-claims.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

import msgspec

__all__ = [
    "AlreadyFinished",
    "CancelAnswer",
    "CancelNoted",
    "CancelRequested",
    "Cancelled",
    "Claim",
    "ClaimAnswer",
    "Claimant",
    "Claimed",
    "Claims",
    "FinishAnswer",
    "Finished",
    "Held",
    "Late",
    "Lost",
    "RenewAnswer",
    "Renewed",
    "Stored",
    "StoredResult",
    "Superseded",
]


class Claimant(msgspec.Struct, frozen=True, kw_only=True):
    """One run that asks for a task."""

    task_id: str
    submission: str
    """Which `submit` asked for it; its retries and repeated publishes share it."""
    attempt: int
    holder: str
    """The worker's id, for people who look for the run."""
    run_id: str
    """New for every run. By it a run recognises its own claim when an answer was lost."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The right of one run, with all that restores it when the store has lost its data."""

    claimant: Claimant
    token: int
    """Larger than every earlier token of this task id."""
    lifetime: timedelta
    """How long the claim outlives its last renewal."""
    ledger_life: timedelta
    """How long the store remembers tokens and open starts after the last sign of life."""


class StoredResult(msgspec.Struct, frozen=True, kw_only=True):
    """The terminal result of a task, as bytes on the wire."""

    body: bytes
    content_type: str
    submission: str
    """Which submission it answers."""
    succeeded: bool
    """It answers every submission of this task id, and cannot be cancelled any more."""


class Claimed(msgspec.Struct, frozen=True):
    """Run it. Renew the claim well within its lifetime; finish or release it at the end."""

    claim: Claim
    open_starts: int
    """Earlier runs that began and never ended: their workers died, or are frozen. A run counts from
    its claim on, so nothing else that such a worker had been handed is charged."""


class Held(msgspec.Struct, frozen=True):
    """Another run has it and is alive."""

    holder: str
    expires_in: timedelta
    """When to ask again, if that run dies now."""


class Finished(msgspec.Struct, frozen=True):
    """Do not run it: publish this result again."""

    result: StoredResult


class Cancelled(msgspec.Struct, frozen=True):
    """Do not run it, or do not report success: a cancellation was here first."""

    reason: str
    at: datetime
    """By the store's clock."""


class Superseded(msgspec.Struct, frozen=True):
    """Do not run it: this attempt was over before, and a message for a later one is on its way."""


class Renewed(msgspec.Struct, frozen=True):
    """The run still has its task."""


class CancelRequested(msgspec.Struct, frozen=True):
    """The run still has its task and shall stop: end the call and finish as cancelled."""

    reason: str
    at: datetime


class Lost(msgspec.Struct, frozen=True):
    """Another run had the task since, or this one ended. Its result will be refused."""


class Stored(msgspec.Struct, frozen=True):
    """This result is the task's result: publish it."""


class Late(msgspec.Struct, frozen=True):
    """Refused and counted: another run has the task or has answered it. Publish nothing."""


class CancelNoted(msgspec.Struct, frozen=True):
    """Nobody will run it from now on, and nothing that runs can succeed any more."""

    holder: str | None
    """Who runs it now and hears of it with the next renewal. None: it waits, or is unknown."""


class AlreadyFinished(msgspec.Struct, frozen=True):
    """There is a result; nothing was noted."""

    succeeded: bool


ClaimAnswer: TypeAlias = Claimed | Held | Finished | Cancelled | Superseded
RenewAnswer: TypeAlias = Renewed | CancelRequested | Lost
FinishAnswer: TypeAlias = Stored | Late | Cancelled
CancelAnswer: TypeAlias = CancelNoted | AlreadyFinished


class Claims(Protocol):
    """Who runs what, and how it ended. Each method is atomic, takes one round trip and raises what
    a `Store` raises. After an error whose outcome is unknown, repeat it with the same arguments:
    nothing is counted, refused or given twice. All times count by the store's own clock.
    """

    async def claim(
        self, who: Claimant, lifetime: timedelta, ledger_life: timedelta
    ) -> ClaimAnswer:
        """Ask for the right to run a task.

        A result that succeeded answers every submission while it is kept. Any other result answers
        its own submission only; another submission runs anew and drops it. A `ValueError` if
        `lifetime` is shorter than a millisecond or `ledger_life` is shorter than `lifetime`.
        """
        ...

    async def renew(self, claims: Collection[Claim]) -> Mapping[str, RenewAnswer]:
        """Prolong the claims of one worker, all at once; the answers go by run id.

        A claim that lapsed, or that the store has lost, is restored if no other run had the task
        since: its run is alive, and a second one must not be paid for beside it.
        """
        ...

    async def finish(
        self, claim: Claim, body: bytes, content_type: str, *, succeeded: bool, keep: timedelta
    ) -> FinishAnswer:
        """Store the terminal result for `keep`, end the claim and forget the open starts.

        The first to reach the store wins: `Late` if another run had or answered the task since;
        `Cancelled` for a success after a cancellation, whereupon the run still has the task and
        finishes it again, as cancelled. A refused run costs a second round trip.
        """
        ...

    async def release(self, claim: Claim) -> None:
        """End a run in order without a terminal result (retry, drain, fallback): the task is free
        and this start is no longer open. Nothing happens to a later run's claim."""
        ...

    async def pass_on(self, claim: Claim) -> None:
        """End a run in order whose task goes on under a later attempt, once the message for that
        one is confirmed. A message for this attempt of this submission, or for an earlier one, is
        `Superseded` from now on, cancelled or not."""
        ...

    async def request_cancel(
        self, task_id: str, reason: str, keep: timedelta, *, submission: str | None = None
    ) -> CancelAnswer:
        """Cancel a task, for whoever claims, renews or finishes it within `keep`.

        With a submission, only that one is cancelled: the task can be submitted anew. Without, all
        submissions of this task id are, later ones included. Repeated, the first reason stays.
        """
        ...

    async def forget(self, task_id: str) -> None:
        """Forget the result and the cancellations of a task: its next submission is run, and paid,
        anew. What runs now goes on."""
        ...

    async def outcome_of(self, task_id: str) -> StoredResult | None:
        """The terminal result that is kept, or None."""
        ...

    async def late_results(self) -> int:
        """How many runs came too late with their results within the last seven days."""
        ...
