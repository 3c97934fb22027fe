"""Faults in what becomes of outcomes, and in which outcome a run has."""

from __future__ import annotations

from typing import Final

from tests.model.planted.planting import PlantedFault

__all__ = ["SETTLEMENT_FAULTS"]

_SETTLEMENT: Final = "llmbus.worker.settlement"
_EXECUTION: Final = "llmbus.worker.execution"

SETTLEMENT_FAULTS: Final = (
    PlantedFault(
        "a run that is put off keeps its claim",
        _SETTLEMENT,
        "        await self._claims.release(run)\n        await run.ack(deferred)",
        "        await run.ack(deferred)",
    ),
    PlantedFault(
        "attempts are not counted up",
        "llmbus.shared.task_messages",
        "headers[ATTEMPT] = attempt_of(message) + 1",
        "headers[ATTEMPT] = attempt_of(message)",
    ),
    PlantedFault(
        "a late result is published",
        _SETTLEMENT,
        "if isinstance(answer, Late):",
        "if False:",
    ),
    PlantedFault(
        "the message of a late result is acked and gone",
        _SETTLEMENT,
        "await self._defer(run, self._claims.held_by_another)",
        "await self._forget(run)",
        hidden="who took the task over holds a message of its own, and one result a task is asked",
    ),
    PlantedFault(
        "an unknown outcome is always repeated",
        "llmbus.worker.retry",
        "return on_unknown_outcome is UnknownOutcomePolicy.RETRY",
        "return True",
    ),
    PlantedFault(
        "a result is acked before it is confirmed",
        _SETTLEMENT,
        "            return\n        await self._publisher.answer(run, message)\n",
        "            return\n"
        "        await self._forget(run)\n"
        "        await self._publisher.answer(run, message)\n",
    ),
    PlantedFault(
        "a retry is acked before its copy is confirmed",
        _SETTLEMENT,
        "        await self._publisher.publish(run, self._layout.retry(delay), run.lane, copy)\n"
        "        await self._claims.pass_on(run)\n"
        "        await self._forget(run)\n",
        "        await self._forget(run)\n"
        "        await self._publisher.publish(run, self._layout.retry(delay), run.lane, copy)\n"
        "        await self._claims.pass_on(run)\n",
    ),
    PlantedFault(
        "a retry is not passed on in the store",
        _SETTLEMENT,
        "run.lane, copy)\n        await self._claims.pass_on(run)",
        "run.lane, copy)\n        await self._claims.release(run)",
    ),
    PlantedFault(
        "results are not stored",
        _SETTLEMENT,
        "answer = await self._claims.finish(run, message, result.status)",
        "answer = await self._claims.release(run)",
    ),
    PlantedFault(
        "a kept result is not published again",
        _SETTLEMENT,
        "await self._publisher.repeat(run, stored)",
        "pass",
    ),
    PlantedFault(
        "a drain acks what it returns",
        _SETTLEMENT,
        "await run.nack()\n                self._observe(TaskInterrupted",
        "await run.ack()\n                self._observe(TaskInterrupted",
    ),
    PlantedFault(
        "what the fallback fails at is not parked",
        _SETTLEMENT,
        "        # Parked first: once",
        "        await self._answer(run, result)\n        return\n        # Parked first: once",
    ),
    PlantedFault(
        "the fallback repeats the attempt that failed",
        _EXECUTION,
        "SendToFallback(reason, failure, attempt + 1, result.usage)",
        "SendToFallback(reason, failure, attempt, result.usage)",
    ),
    PlantedFault(
        "tasks are run after their deadline",
        "llmbus.worker.time_limit",
        "return self.duration <= timedelta(0)",
        "return False",
    ),
    PlantedFault(
        "time limits do not end calls",
        _EXECUTION,
        "asyncio.timeout(limit.duration.total_seconds())",
        "asyncio.timeout(None)",
    ),
    PlantedFault(
        "scripts do not know the deadline",
        "llmbus.worker.fallback",
        "reason=reason, timeout=limit.duration)",
        "reason=reason)",
    ),
)
