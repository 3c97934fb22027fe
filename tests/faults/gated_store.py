"""A thin gate around the real store: claims and stored results are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from llmbus.shared.errors import LlmbusError
from llmbus.shared.store.interface import Store
from tests.faults.gate_client import GateClient
from tests.faults.history import Fact
from tests.faults.steps import Step

__all__ = ["gated_store"]


class _GatedStore:
    """Passes every call on; those that belong to one task's run are seen."""

    def __init__(self, store: Store, gate: GateClient) -> None:
        self._store = store
        self._gate = gate

    async def __aenter__(self) -> Self:
        await self._store.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self._store.__aexit__(*exc)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return self._seen(method, _CLAIM_CALLS[name]) if name in _CLAIM_CALLS else method

    def _seen(self, method: Any, call: _ClaimCall) -> Any:
        async def seen(*args: Any, **kwargs: Any) -> Any:
            task = _task_of([*args, *kwargs.values()])
            await self._gate.reach(*call.before, task=task)
            try:
                answer = await method(*args, **kwargs)
            except LlmbusError as error:
                self._gate.report(call.after, task=task, note=type(error).__name__)
                raise
            note = type(answer).__name__
            if call.step_after is None:
                self._gate.report(call.after, task=task, note=note)
            else:
                await self._gate.reach(call.step_after, call.after, task=task, note=note)
            return answer

        return seen


@dataclass(frozen=True)
class _ClaimCall:
    """A call to the store that belongs to one run: what is reported before and after it."""

    before: tuple[Step, Fact]
    after: Fact
    step_after: Step | None = None


_CLAIM_CALLS: Final = {
    "claim": _ClaimCall((Step.CLAIMING, Fact.CLAIMING), Fact.CLAIMED, Step.CLAIMED),
    "finish": _ClaimCall((Step.STORING, Fact.STORING), Fact.STORED),
}


def gated_store(store: Store, gate: GateClient) -> Store:
    """The same store, its claims and stored results seen."""
    return cast(Store, _GatedStore(store, gate))


def _task_of(arguments: Sequence[Any]) -> str:
    """The first argument is a claimant, or a claim of one."""
    first = arguments[0]
    return str(getattr(first, "claimant", first).task_id)
