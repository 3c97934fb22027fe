"""One task, several agents: in turn, in a race, or all of them. Knows no provider and no bus.

| strategy | succeeds if | output |
|---|---|---|
| `first_success` | one agent succeeds; those after it are not asked | that agent's |
| `race` | one agent succeeds; the others are cancelled | that agent's |
| `all` | every agent succeeds | each agent's, under its name |

Whatever happens, `metadata["hybrid"]` of the result has an entry for every agent that was asked,
with its output, its error, its usage and its cost: nothing that was paid for is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

import msgspec

from llmbus.shared.clock import Clock
from llmbus.shared.hybrid_report import Answer, hybrid_result
from llmbus.shared.hybrid_wish import HybridStrategy, HybridWish
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind
from llmbus.shared.task import AgentTask

__all__ = ["Ask", "HybridStrategy", "HybridWish", "run_hybrid"]

Ask = Callable[[str], Awaitable[ExecutionResult]]
"""Asks the agent of that name once. What it raises counts as a failed answer, and its text is
shown: it must hold no secret."""


async def run_hybrid(task: AgentTask, wish: HybridWish, ask: Ask, clock: Clock) -> ExecutionResult:
    """Ask as wished. Never raises, except when it is cancelled: then every agent that is being
    asked is cancelled too, and waited for.

    A race is over when its losers have ended. What a loser cost is counted if it is known; a call
    that was cut off may have been billed, so then the total cost is unknown (None).
    """
    started_at = clock.now()
    asking = _Asking(task, ask, clock)
    winner: Answer | None = None
    match wish.strategy:
        case HybridStrategy.FIRST_SUCCESS:
            answers, winner = await asking.in_turn(wish.agents)
        case HybridStrategy.RACE:
            answers, winner = await asking.race(wish.agents)
        case HybridStrategy.ALL:
            answers = await asking.side_by_side(wish.agents)
        case _:
            assert_never(wish.strategy)
    return hybrid_result(
        task, wish, answers, winner, started_at=started_at, completed_at=clock.now()
    )


@dataclass(frozen=True)
class _Asking:
    task: AgentTask
    ask: Ask
    clock: Clock

    async def in_turn(self, agents: Iterable[str]) -> tuple[list[Answer], Answer | None]:
        answers: list[Answer] = []
        for agent in agents:
            answers.append(await self._one(agent))
            if answers[-1].succeeded:
                return answers, answers[-1]
        return answers, None

    async def side_by_side(self, agents: Iterable[str]) -> list[Answer]:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._one(agent)) for agent in agents]
        return [answer.result() for answer in asked]

    async def race(self, agents: Iterable[str]) -> tuple[list[Answer], Answer | None]:
        started_at = self.clock.now()
        async with asyncio.TaskGroup() as group:
            running = {group.create_task(self._one(agent)): agent for agent in agents}
            winner = await _first_success(list(running))
            for loser in running:
                loser.cancel()
        answers = [
            Answer(agent, self._without_answer(agent, ExecutionStatus.CANCELLED, started_at))
            if asked.cancelled()
            else asked.result()
            for asked, agent in running.items()
        ]
        return answers, winner

    async def _one(self, agent: str) -> Answer:
        started_at = self.clock.now()
        try:
            result = await self.ask(agent)
        except asyncio.CancelledError:
            if (current := asyncio.current_task()) and current.cancelling():
                raise
            lost = Failure(FailureKind.OUTCOME_UNKNOWN, "the asking was given up from within")
            result = self._without_answer(agent, ExecutionStatus.FAILED, started_at, lost)
        except Exception as error:
            # Others may have been paid by now: their answers must not go down with this one.
            defect = Failure(FailureKind.INTERNAL, f"{type(error).__name__}: {error}")
            result = self._without_answer(agent, ExecutionStatus.FAILED, started_at, defect)
        if result.completed_at is None and result.status is not ExecutionStatus.PENDING:
            result = msgspec.structs.replace(result, completed_at=self.clock.now())
        return Answer(agent, result)

    def _without_answer(
        self,
        agent: str,
        status: ExecutionStatus,
        started_at: datetime,
        failure: Failure | None = None,
    ) -> ExecutionResult:
        return ExecutionResult(
            task_id=self.task.task_id,
            agent=agent,
            status=status,
            started_at=started_at,
            completed_at=self.clock.now(),
            error=failure.message if failure else "cancelled: another agent was faster",
            attempts=1,
            failure=failure,
        )


async def _first_success(running: Sequence[asyncio.Task[Answer]]) -> Answer | None:
    """Of several that succeed at the same moment, the one that was named first."""
    pending = set(running)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for asked in running:
            if asked in done and asked.result().succeeded:
                return asked.result()
    return None
