"""What runs scripts, made to measure: it keeps what it was given, and ends as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from llmbus.shared import AgentTask, ExecutionResult, ExecutionStatus
from llmbus.shared.envelope import RequestedAgent
from llmbus.worker.subprocess_path.runner import ScriptEnd

__all__ = ["ScriptDesk"]


def _success(task: AgentTask, told: dict[str, Any]) -> ExecutionResult:
    return ExecutionResult(
        task.task_id,
        task.agent,
        ExecutionStatus.SUCCESS,
        datetime.now(UTC),
        output="by the script",
        metadata={**told, "exit_code": 0},
    )


@dataclass
class ScriptDesk:
    """`desk.in_environment` makes the runners of a `TaskExecutor`."""

    ending: Callable[[AgentTask, dict[str, Any]], ExecutionResult] = _success
    run_until: Awaitable[Any] | None = None
    runs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    killed: list[str] = field(default_factory=list[str])

    def in_environment(self, environment: Mapping[str, str]) -> DeskRunner:
        return DeskRunner(self, environment)


@dataclass(frozen=True)
class DeskRunner:
    desk: ScriptDesk
    environment: Mapping[str, str]

    async def run(
        self,
        task: AgentTask,
        agent: RequestedAgent,
        *,
        reason: str | None = None,
        timeout: timedelta | None = None,
    ) -> ScriptEnd:
        asked = {"task": task, "agent": agent, "reason": reason, "timeout": timeout}
        self.desk.runs.append({**asked, "environment": self.environment})
        self.desk.begun.set()
        try:
            if self.desk.run_until is not None:
                await self.desk.run_until
        except asyncio.CancelledError:
            self.desk.killed.append(task.task_id)
            raise
        told = {"execution_mode": "subprocess", "fallback_reason": reason}
        known = {name: value for name, value in told.items() if value is not None}
        return ScriptEnd(self.desk.ending(task, known))
