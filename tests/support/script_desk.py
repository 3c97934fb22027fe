"""A stand-in for what runs scripts: it keeps what it was given, and ends as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from llmbus.shared import AgentTask, ExecutionResult, ExecutionStatus
from llmbus.shared.envelope import RequestedAgent
from llmbus.worker.script_path import NOTHING

__all__ = ["ScriptDesk", "ScriptEnding"]


@dataclass(frozen=True)
class ScriptEnding:
    result: ExecutionResult
    stderr_tail: str = ""


def scripted_success(task: AgentTask) -> ExecutionResult:
    return ExecutionResult(
        task.task_id,
        task.agent,
        ExecutionStatus.SUCCESS,
        datetime.now(UTC),
        output="by the script",
        metadata={"exit_code": 0},
    )


@dataclass
class ScriptDesk:
    ending: Callable[[AgentTask], ExecutionResult] = scripted_success
    run_until: Awaitable[Any] | None = None
    runs: list[dict[str, Any]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    killed: list[str] = field(default_factory=list)

    async def run(
        self,
        task: AgentTask,
        agent: RequestedAgent,
        *,
        reason: str | None = None,
        timeout: timedelta | None = None,
        environment: Mapping[str, str] = NOTHING,
    ) -> ScriptEnding:
        self.runs.append(
            {
                "task": task,
                "agent": agent,
                "reason": reason,
                "timeout": timeout,
                "environment": dict(environment),
            }
        )
        self.begun.set()
        try:
            if self.run_until is not None:
                await self.run_until
        except asyncio.CancelledError:
            self.killed.append(task.task_id)
            raise
        return ScriptEnding(self.ending(task))
