"""The claims as a worker may believe them: no answer instead of an error, and none that is too old.

Without the store the work goes on under what this process knows alone: delivery is at least once
then, the log says so, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from llmbus.shared.bus.interface import Message
from llmbus.shared.errors import LlmbusError
from llmbus.shared.store.claims import (
    Claim,
    ClaimAnswer,
    Claimant,
    Claimed,
    Claims,
    FinishAnswer,
    RenewAnswer,
)
from llmbus.worker.claim_terms import ClaimTerms

__all__ = ["FreshClaims"]

_Answer = TypeVar("_Answer")

_log = logging.getLogger("llmbus.worker")


class FreshClaims:
    """Asks the store. None, or nothing, is the answer while it cannot be asked."""

    def __init__(self, store: Claims, terms: ClaimTerms) -> None:
        self._store = store
        self._terms = terms
        self._reachable = True

    @property
    def reachable(self) -> bool:
        """Whether the store answered last: while it does not, a task may be run twice."""
        return self._reachable

    async def claim(self, who: Claimant) -> ClaimAnswer | None:
        terms = self._terms
        given: list[Claim] = []

        async def ask() -> ClaimAnswer:
            answer = await self._store.claim(who, terms.lifetime, terms.remembered)
            if isinstance(answer, Claimed):
                given.append(answer.claim)
            return answer

        answer = await self._asked_awake(ask)
        current = answer.claim if isinstance(answer, Claimed) else None
        for claim in given:
            if claim != current:  # taken over in a freeze: nothing was run, so nobody died of it
                await self.release(claim)
        return answer

    async def renew(self, claims: Sequence[Claim]) -> Mapping[str, RenewAnswer]:
        """By run id."""
        return await self._asked_awake(lambda: self._store.renew(claims)) or {}

    async def finish(
        self, claim: Claim, result: Message, *, succeeded: bool
    ) -> FinishAnswer | None:
        return await self._asked_awake(
            lambda: self._store.finish(
                claim,
                result.body,
                result.content_type,
                succeeded=succeeded,
                keep=self._terms.remembered,
            )
        )

    async def release(self, claim: Claim) -> None:
        await self._asked(self._store.release(claim))

    async def pass_on(self, claim: Claim) -> None:
        await self._asked(self._store.pass_on(claim))

    async def _asked_awake(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer | None:
        """An answer that is younger than a claim lives. If it is not, this process was frozen: what
        it was told may have lapsed, and what it was not told was a time limit that ran out."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        answer = await self._asked(ask())
        if loop.time() - asked_at < self._terms.lifetime.total_seconds():
            return answer
        return await self._asked(ask())

    async def _asked(self, asking: Awaitable[_Answer]) -> _Answer | None:
        try:
            answer = await asking
        except LlmbusError as error:
            if self._reachable:
                _log.warning("claims_unreachable", extra={"fields": {"reason": str(error)}})
            self._reachable = False
            return None
        if not self._reachable:
            _log.info("claims_reachable", extra={"fields": {}})
        self._reachable = True
        return answer
