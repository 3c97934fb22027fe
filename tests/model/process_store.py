"""The store as the workers of the model reach it: some time away, at times not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any, Self, cast

from llmbus.shared.errors import StoreUnreachableError
from llmbus.shared.store.claims import (
    Cancelled,
    Claim,
    Claimed,
    Late,
    Lost,
    RenewAnswer,
    Stored,
)
from llmbus.shared.store.memory import MemoryStore
from tests.model.journal import Journal, StoredOnce
from tests.model.loop_clock import LATENCY_SECONDS, LoopClock
from tests.model.process import Process
from tests.model.runs import RunFacts, this_run

__all__ = ["ProcessStore", "Shelf"]


class Shelf:
    """The store that all processes share."""

    def __init__(self, clock: LoopClock) -> None:
        self._clock = clock
        self.content = MemoryStore(clock)
        self.is_reachable = True

    async def __aenter__(self) -> Self:
        await self.content.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.content.__aexit__(None, None, None)

    async def empty(self) -> None:
        """Lose everything, as a Redis without persistence does at a restart."""
        self.content = MemoryStore(self._clock)
        await self.content.__aenter__()

    def require(self) -> MemoryStore:
        if not self.is_reachable:
            raise StoreUnreachableError("the store of the model is away")
        return self.content


class ProcessStore:
    """The store as one process reaches it: a request or its answer may be lost."""

    def __init__(self, shelf: Shelf, journal: Journal, process: Process) -> None:
        self._shelf = shelf
        self._journal = journal
        self._process = process

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        return None

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        return partial(self._there_and_back, name)

    async def _there_and_back(self, name: str, *arguments: Any, **options: Any) -> Any:
        try:
            await asyncio.sleep(LATENCY_SECONDS)
            answer = await getattr(self._shelf.require(), name)(*arguments, **options)
            self._note(arguments, answer, name, options)
            await asyncio.sleep(LATENCY_SECONDS)
            self._shelf.require()
        except StoreUnreachableError:
            if (run := this_run.get()) is not None:
                run.was_not_heard(name, _now())
            raise
        return answer

    def _note(
        self, arguments: tuple[Any, ...], answer: object, name: str, options: dict[str, Any]
    ) -> None:
        match name, answer:
            case "claim", Claimed():
                self._note_claim(answer)
            case "renew", dict():
                self._note_lost(arguments[0], cast("dict[str, RenewAnswer]", answer))
            case "release", _:
                self._forget_start(arguments[0])
            case "pass_on", _:
                self._forget_start(arguments[0])
                _run().has_ended(None, _now())
            case "finish", (Stored() | Late() | Cancelled()):
                _run().has_ended(answer, _now())
                if not isinstance(answer, Cancelled):
                    self._forget_start(arguments[0])
                if isinstance(answer, Stored):
                    self._note_result(arguments[0], arguments[1], options["succeeded"])
            case _:
                pass

    def _note_lost(self, claims: Collection[Claim], answers: Mapping[str, RenewAnswer]) -> None:
        for claim in claims:
            if isinstance(answers[claim.claimant.run_id], Lost):
                for _, run in self._journal.claims.get(claim.claimant.task_id, ()):
                    if run.claim == claim:
                        run.was_refused(_now())

    def _note_claim(self, answer: Claimed) -> None:
        claim, run, journal = answer.claim, _run(), self._journal
        deaths = journal.deaths_of(run.task_id, _now())
        if answer.open_starts > deaths and not journal.trouble_between(0, _now()):
            counted = f"{answer.open_starts} deaths of {run.task_id} count"
            journal.wrong.append(f"{counted}, not {deaths}")
        journal.open_starts[run.task_id, claim.token] = self._process
        journal.claims.setdefault(run.task_id, []).append((_now(), run))
        journal.tokens.setdefault(run.task_id, []).append((_now(), claim.token))
        run.was_given(answer, _now())

    def _note_result(self, claim: Claim, body: bytes, succeeded: bool) -> None:
        """Once, however often it is said. Whoever was taken over comes too late, as long as the
        store knows of that."""
        journal, task_id = self._journal, claim.claimant.task_id
        if any(stored.claim == claim for stored in journal.stored):
            return
        journal.forget_starts_of(task_id)
        journal.stored.append(StoredOnce(_now(), claim, body, succeeded))
        if any(
            token > claim.token and not journal.forgot_between(at, _now())
            for at, token in journal.tokens.get(task_id, ())
        ):
            journal.wrong.append(f"a run of {task_id} was taken over and stored its result")

    def _forget_start(self, claim: Claim) -> None:
        self._journal.open_starts.pop((claim.claimant.task_id, claim.token), None)


def _run() -> RunFacts:
    run = this_run.get()
    assert run is not None, "only runs ask for claims and end them"
    return run


def _now() -> float:
    return asyncio.get_running_loop().time()
