"""The right to run a task and its result, in Redis. The rules are in `claim_scripts`."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping
from datetime import timedelta
from typing import Any, cast

from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from llmbus.shared.settings import StoreSettings
from llmbus.shared.store.claims import (
    AlreadyFinished,
    CancelAnswer,
    Cancelled,
    CancelNoted,
    Claim,
    ClaimAnswer,
    Claimant,
    Claimed,
    FinishAnswer,
    Finished,
    Held,
    Late,
    RenewAnswer,
    Stored,
    StoredResult,
    Superseded,
)
from llmbus.shared.store.lifetime import LATE_RESULTS_LIFE, checked_ledger_life, milliseconds
from llmbus.shared.store.redis import claim_scripts as scripts
from llmbus.shared.store.redis.claim_replies import (
    RESULT_FIELDS,
    Reply,
    as_reason_and_time,
    as_renewal,
    as_result,
)
from llmbus.shared.store.redis.connection import RedisConnection

__all__ = ["RedisClaims"]


class RedisClaims(RedisConnection):
    """Claims, ledgers, results and cancellations, which all processes share."""

    def __init__(self, settings: StoreSettings) -> None:
        super().__init__(settings)
        register = self._redis.register_script
        self._claim: AsyncScript = register(scripts.CLAIM)
        self._renew: AsyncScript = register(scripts.RENEW)
        self._finish: AsyncScript = register(scripts.FINISH)
        self._release: AsyncScript = register(scripts.RELEASE)
        self._pass_on: AsyncScript = register(scripts.PASS_ON)
        self._request_cancel: AsyncScript = register(scripts.REQUEST_CANCEL)
        self._count_late: AsyncScript = register(scripts.COUNT_LATE)
        self._sum_late: AsyncScript = register(scripts.SUM_LATE)

    async def claim(
        self, who: Claimant, lifetime: timedelta, ledger_life: timedelta
    ) -> ClaimAnswer:
        life_ms = milliseconds(lifetime)
        ledger_ms = milliseconds(checked_ledger_life(ledger_life, lifetime))
        word, *rest = await self._ask(
            self._claim,
            who.task_id,
            [who.submission, who.run_id, life_ms, ledger_ms, who.holder, who.attempt],
        )
        match word:
            case b"claimed":
                claim = Claim(
                    claimant=who, token=int(rest[0]), lifetime=lifetime, ledger_life=ledger_life
                )
                return Claimed(claim, open_starts=rest[1])
            case b"held":
                return Held(rest[0].decode(), timedelta(milliseconds=max(rest[1], 0)))
            case b"finished":
                return Finished(as_result(rest))
            case b"superseded":
                return Superseded()
            case _:
                return Cancelled(*as_reason_and_time(rest[0]))

    async def renew(self, claims: Collection[Claim]) -> Mapping[str, RenewAnswer]:
        async with self._call():
            try:
                replies = await self._renew_all(claims)
            except NoScriptError:
                await self._redis.script_load(scripts.RENEW)
                replies = await self._renew_all(claims)
        run_ids = (claim.claimant.run_id for claim in claims)
        return dict(zip(run_ids, map(as_renewal, replies), strict=True))

    async def _renew_all(self, claims: Collection[Claim]) -> list[Reply]:
        """One round trip. Called on a pipeline, the script itself would first ask whether it is
        known there."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for claim in claims:
                keys = self._keys.of_task(claim.claimant.task_id)
                cast(Any, pipeline).evalsha(self._renew.sha, len(keys), *keys, *_as_renew(claim))
            return await pipeline.execute()

    async def finish(
        self, claim: Claim, body: bytes, content_type: str, *, succeeded: bool, keep: timedelta
    ) -> FinishAnswer:
        who = claim.claimant
        word, *rest = await self._ask(
            self._finish,
            who.task_id,
            [
                claim.token,
                who.submission,
                int(succeeded),
                body,
                content_type,
                milliseconds(claim.ledger_life),
                milliseconds(keep),
            ],
        )
        match word:
            case b"stored":
                return Stored()
            case b"cancelled":
                return Cancelled(*as_reason_and_time(rest[0]))
            case _:
                await self._note_late(claim)
                return Late()

    async def _note_late(self, claim: Claim) -> None:
        """The list of all tasks lies in another slot of a cluster than the task does, so it cannot
        be written in the same step. Noted by task and token, a repetition counts once."""
        async with self._call():
            await self._count_late(
                keys=[self._keys.late_results],
                args=[f"{claim.claimant.task_id} {claim.token}", milliseconds(LATE_RESULTS_LIFE)],
            )

    async def release(self, claim: Claim) -> None:
        arguments = [claim.token, milliseconds(claim.ledger_life)]
        await self._ask(self._release, claim.claimant.task_id, arguments)

    async def pass_on(self, claim: Claim) -> None:
        who = claim.claimant
        arguments = [claim.token, milliseconds(claim.ledger_life), who.attempt, who.submission]
        await self._ask(self._pass_on, who.task_id, arguments)

    async def request_cancel(
        self, task_id: str, reason: str, keep: timedelta, *, submission: str | None = None
    ) -> CancelAnswer:
        wanted = [] if submission is None else [submission]
        word, *rest = await self._ask(
            self._request_cancel, task_id, [reason, milliseconds(keep), *wanted]
        )
        if word == b"finished":
            return AlreadyFinished(rest[0] == b"1")
        return CancelNoted(rest[0].decode() if rest else None)

    async def forget(self, task_id: str) -> None:
        _, _, result, cancellations = self._keys.of_task(task_id)
        async with self._call():
            await self._redis.delete(result, cancellations)

    async def outcome_of(self, task_id: str) -> StoredResult | None:
        async with self._call():
            kept = await cast(
                Awaitable[list[Any]],
                self._redis.hmget(self._keys.result(task_id), RESULT_FIELDS),
            )
        return None if kept[0] is None else as_result(kept)

    async def late_results(self) -> int:
        async with self._call():
            return await cast(Awaitable[int], self._sum_late(keys=[self._keys.late_results]))

    async def _ask(self, script: AsyncScript, task_id: str, arguments: list[Any]) -> Reply:
        async with self._call():
            keys = self._keys.of_task(task_id)
            return await cast(Awaitable[Reply], script(keys=keys, args=arguments))


def _as_renew(claim: Claim) -> list[Any]:
    who = claim.claimant
    return [
        claim.token,
        who.submission,
        who.run_id,
        milliseconds(claim.lifetime),
        milliseconds(claim.ledger_life),
        who.holder,
        who.attempt,
    ]
