"""What may happen to one task, as steps that any store can be put through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from hypothesis import strategies as st

from llmbus.shared.store.claims import (
    Cancelled,
    CancelRequested,
    Claim,
    Claimed,
    Held,
)
from llmbus.shared.store.interface import Store
from tests.contracts.store.claimants import JSON, KEEP, LIFETIME, renewed, run

LONGER_THAN_A_HISTORY = timedelta(days=1)
RUNS = ("a", "b", "c", "d")

Act: TypeAlias = Literal[
    "claim",
    "renew",
    "succeed",
    "fail",
    "release",
    "pass_on",
    "cancel",
    "cancel_all",
    "lapse",
    "lose_data",
]
ACTS: tuple[Act, ...] = (
    *("claim", "claim", "claim", "renew", "succeed", "fail", "release", "pass_on"),
    *("cancel", "cancel_all", "lapse", "lapse", "lose_data"),
)


@dataclass(frozen=True)
class Step:
    """One act of one run. Runs a and b are two attempts of one submission, c and d of another."""

    act: Act
    run_id: str

    @property
    def submission(self) -> str:
        return "s-1" if self.run_id in "ab" else "s-2"


HISTORIES = st.lists(
    st.builds(Step, st.sampled_from(ACTS), st.sampled_from(RUNS)), min_size=1, max_size=25
)


@dataclass
class Subject:
    """A store, and the claims that it has given."""

    store: Store
    lapse: Callable[[], Awaitable[None]]
    """Let the claim that is alive run out."""
    lose_data: Callable[[], Awaitable[None]]
    """Empty the store."""
    claims: dict[str, Claim] = field(default_factory=dict[str, Claim])
    """The last that each run got."""
    tokens: list[int] = field(default_factory=list[int])
    """All of them, in the order they were given."""

    async def do(self, step: Step) -> Any:
        """The answer."""
        match step.act:
            case "claim":
                return await self._claim(step)
            case "cancel" | "cancel_all":
                only = step.submission if step.act == "cancel" else None
                return await self.store.request_cancel("t-1", "why", KEEP, submission=only)
            case "lapse":
                return await self.lapse()
            case "lose_data":
                return await self.lose_data()
            case _:
                claim = self.claims.get(step.run_id)
                return await self._use(claim, step) if claim else None

    async def _claim(self, step: Step) -> Any:
        who = run(step.run_id, submission=step.submission, attempt=1 + (step.run_id in "bd"))
        answer = await self.store.claim(who, LIFETIME, LONGER_THAN_A_HISTORY)
        if isinstance(answer, Claimed):
            self.claims[step.run_id] = answer.claim
            if answer.claim.token not in self.tokens:
                self.tokens.append(answer.claim.token)
        return answer

    async def _use(self, claim: Claim, step: Step) -> Any:
        match step.act:
            case "renew":
                return await renewed(self.store, claim)
            case "release":
                return await self.store.release(claim)
            case "pass_on":
                return await self.store.pass_on(claim)
            case _:
                body = f"result of {step.run_id}".encode()
                succeeded = step.act == "succeed"
                return await self.store.finish(claim, body, JSON, succeeded=succeeded, keep=KEEP)

    def comparable(self, answer: Any) -> Any:
        """The answer without what differs by the clock: moments, and tokens but for their order."""
        match answer:
            case Claimed(claim, open_starts):
                return Claimed, self.tokens.index(claim.token), open_starts
            case Held(holder, _):
                return Held, holder
            case Cancelled(reason, _) | CancelRequested(reason, _):
                return type(answer), reason
            case _:
                return answer
