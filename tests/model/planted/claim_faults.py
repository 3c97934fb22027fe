"""Faults in who may run a task, and in what is remembered of it."""

from __future__ import annotations

from typing import Final

from tests.model.planted.planting import PlantedFault

__all__ = ["CLAIM_FAULTS"]

_KEEPER: Final = "llmbus.worker.claims"
_FRESH: Final = "llmbus.worker.fresh_claims"
_STORE: Final = "llmbus.shared.store.memory.claims"
_RECORD: Final = "llmbus.shared.store.memory.task_record"

CLAIM_FAULTS: Final = (
    PlantedFault(
        "a claim of another run is ignored",
        _KEEPER,
        "return HeldElsewhere(holder, expires_in)",
        "return None",
    ),
    PlantedFault(
        "claims are not renewed",
        _KEEPER,
        "answers = await self._claims.renew(claims)",
        "answers = {}",
    ),
    PlantedFault(
        "the store does not restore what it lost",
        _STORE,
        "        if not record.is_current(claim):\n            return Lost()",
        "        if record.claim is None or not record.is_current(claim):\n"
        "            return Lost()",
    ),
    PlantedFault(
        "the fencing token is not compared",
        _RECORD,
        "if self.last_token > claim.token or self.ended_token >= claim.token:",
        "if self.ended_token >= claim.token:",
    ),
    PlantedFault(
        "starts are not counted",
        _STORE,
        "open_starts=len(record.open_starts) - 1",
        "open_starts=0",
    ),
    PlantedFault(
        "a running call does not heed its cancellation",
        _KEEPER,
        "run.stop(self._cancelled(task, reason, run.key.attempt))",
        "pass",
    ),
    PlantedFault(
        "a cancelled task is given a claim",
        _STORE,
        "if cancellation := record.cancellation_of(who.submission):",
        "if (cancellation := record.cancellation_of(who.submission)) and is_own:",
    ),
    PlantedFault(
        "a cancelled task succeeds",
        _STORE,
        "if succeeded and (cancellation := record.cancellation_of(submission)):",
        "if (cancellation := record.cancellation_of(submission)) and False:",
    ),
    PlantedFault(
        "cancellations are heard of late",
        _KEEPER,
        "pause = min(_LONGEST_BEAT, terms.lifetime / 3)",
        "pause = terms.lifetime * 0.8",
    ),
    PlantedFault(
        "a failure is forgotten when the task is submitted anew",
        _STORE,
        "record.make_room()",
        "record.result = None",
    ),
    PlantedFault(
        "an attempt that was passed on is given again",
        _STORE,
        "if not is_own and record.is_superseded(who.submission, who.attempt):",
        "if False:",
    ),
    PlantedFault(
        "a run that is stopped while it asks keeps its claim",
        _KEEPER,
        "if isinstance(given := await asking, Claimed):",
        "if isinstance(given := await asking, Claimed) and False:",
    ),
    PlantedFault(
        "a claim that lapsed on its way is believed",
        _FRESH,
        "if loop.time() - asked_at < self._terms.lifetime.total_seconds():",
        "if True:",
        hidden="a claim of that age is asked for again before the call (`ClaimKeeper.confirm`)",
    ),
    PlantedFault(
        "a claim from before a freeze counts as a death",
        _FRESH,
        "if claim != current:",
        "if False:",
    ),
)
