"""The claims of one worker: asked for before a run, renewed while it lives, ended with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Self
from uuid import uuid4

from llmbus.shared.bus.interface import Message
from llmbus.shared.result import ExecutionStatus, Failure, FailureKind
from llmbus.shared.store.claims import (
    Cancelled,
    CancelRequested,
    Claim,
    ClaimAnswer,
    Claimant,
    Claimed,
    Claims,
    FinishAnswer,
    Finished,
    Held,
    Lost,
    RenewAnswer,
    Renewed,
    Superseded,
)
from llmbus.shared.task import AgentTask
from llmbus.worker.admission import Admission
from llmbus.worker.beat import Beat
from llmbus.worker.claim_terms import ClaimTerms
from llmbus.worker.fresh_claims import FreshClaims
from llmbus.worker.outcome import (
    CancelledByCaller,
    Duplicate,
    FailedAndParked,
    HeldElsewhere,
    Outcome,
    Outdated,
)
from llmbus.worker.run import Run

__all__ = ["ClaimKeeper"]

_LONGEST_BEAT: Final = timedelta(seconds=1)
"""A cancellation is heard of with a renewal: a running call shall end within two seconds."""

_TIMES_TO_CONFIRM: Final = 3
"""A store that is slower than half a claim lives must not keep a run from its call for ever."""


class ClaimKeeper:
    """Holds the claims of all runs of one worker, as an async context manager. Never raises because
    of the store."""

    def __init__(
        self, store: Claims, terms: ClaimTerms, admission: Admission, worker_id: str
    ) -> None:
        self._claims = FreshClaims(store, terms)
        self._terms = terms
        self._admission = admission
        self._worker_id = worker_id
        self._running: dict[str, tuple[Run, AgentTask]] = {}
        """By run id."""
        pause = min(_LONGEST_BEAT, terms.lifetime / 3)
        self._beat = Beat(self._renew, pause, "claims")

    @property
    def held_by_another(self) -> HeldElsewhere:
        """The outcome of a run whose task was taken over."""
        return HeldElsewhere("another worker", self._terms.lifetime)

    @property
    def reachable(self) -> bool:
        """Whether the store answered last: while it does not, a task may be run twice."""
        return self._claims.reachable

    async def __aenter__(self) -> Self:
        await self._beat.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._beat.__aexit__(*exc_info)

    async def claim(self, run: Run, task: AgentTask) -> Outcome | None:
        """Ask for the right to run this task now; what to do instead, where it is not given."""
        who = Claimant(
            task_id=run.key.task_id,
            submission=run.key.submission,
            attempt=run.key.attempt,
            holder=self._worker_id,
            run_id=uuid4().hex,
        )
        run.claim_asked_at = asyncio.get_running_loop().time()
        match await self._heard(run, who):
            case None:
                return None
            case Claimed(claim, open_starts):
                run.claim = claim
                self._running[who.run_id] = run, task
                if open_starts >= self._terms.max_crashes:
                    return self._poisonous(run, task, open_starts)
                return None
            case Held(holder, expires_in):
                return HeldElsewhere(holder, expires_in)
            case Finished(result):
                return Duplicate(result)
            case Superseded():
                return Outdated()
            case Cancelled(reason):
                return self._cancelled(task, reason, run.key.attempt - 1)

    async def confirm(self, run: Run) -> None:
        """The last thing before the call: nothing, unless this process was held up for so long
        that another worker may have the task. Then the store is asked first, and asked again if
        its answer comes late, and the run is ended by `CancelledError` if so."""
        loop, half_a_life = asyncio.get_running_loop(), self._terms.lifetime.total_seconds() / 2
        for _ in range(_TIMES_TO_CONFIRM):
            if run.claim is None or loop.time() - run.claim_asked_at < half_a_life:
                return
            await self._renew_claims([run.claim])
            await asyncio.sleep(0)  # where the run hears that it was stopped
            if not self.reachable:
                return

    async def _heard(self, run: Run, who: Claimant) -> ClaimAnswer | None:
        """What is given to a run that is stopped meanwhile stays with it, to be given back: open,
        it would count as the death of this worker."""
        asking = asyncio.ensure_future(self._claims.claim(who))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            if isinstance(given := await asking, Claimed):
                run.claim = given.claim
            raise

    async def has_lost(self, run: Run) -> bool:
        """Whether another run has had the task since. Without a claim, or anybody to ask, no."""
        if run.claim is None:
            return False
        answers = await self._claims.renew([run.claim])
        return isinstance(answers.get(run.claim.claimant.run_id), Lost)

    async def finish(
        self, run: Run, message: Message, status: ExecutionStatus
    ) -> FinishAnswer | None:
        """Store the terminal result. None: there is no claim, or nobody could be asked."""
        if run.claim is None:
            return None
        answer = await self._claims.finish(
            run.claim, message, succeeded=status.answers_every_submission
        )
        if not isinstance(answer, Cancelled):  # that run has the task until it ends as cancelled
            self._drop(run)
        return answer

    async def release(self, run: Run) -> None:
        """The run ended in order, and its attempt may be made again."""
        if (claim := self._drop(run)) is not None:
            await self._claims.release(claim)

    async def pass_on(self, run: Run) -> None:
        """The attempt is over and the next one, or the fallback, is on its way: copies of this
        message that are still about are not run any more."""
        if (claim := self._drop(run)) is not None:
            await self._claims.pass_on(claim)

    def _cancelled(self, task: AgentTask, reason: str, attempts: int) -> CancelledByCaller:
        return CancelledByCaller(self._admission.cancelled(task, reason, attempts))

    def _poisonous(self, run: Run, task: AgentTask, crashes: int) -> FailedAndParked:
        failure = Failure(
            FailureKind.POISON,
            f"{crashes} workers died or froze while they ran this task: look for the cause in it"
            " before it is redriven",
        )
        result = self._admission.turned_down(task, run.message, failure)
        return FailedAndParked(result, failure.message)

    def _drop(self, run: Run) -> Claim | None:
        claim, run.claim = run.claim, None
        if claim is not None:
            self._running.pop(claim.claimant.run_id, None)
        return claim

    async def _renew(self) -> None:
        claims = [run.claim for run, _ in self._running.values() if run.claim is not None]
        if claims:
            await self._renew_claims(claims)

    async def _renew_claims(self, claims: Sequence[Claim]) -> None:
        asked_at = asyncio.get_running_loop().time()
        answers = await self._claims.renew(claims)
        for run_id, answer in answers.items():
            self._heed(run_id, answer, asked_at)

    def _heed(self, run_id: str, answer: RenewAnswer, asked_at: float) -> None:
        if run_id not in self._running:
            return
        run, task = self._running[run_id]
        match answer:
            case Renewed():
                run.claim_asked_at = asked_at
            case CancelRequested(reason):
                run.stop(self._cancelled(task, reason, run.key.attempt))
            case Lost():
                run.stop(self.held_by_another)
