"""A provider, and scripts, whose every call waits until the model says how it ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from llmbus.shared import AgentTask, AgentType, ExecutionResult, ExecutionStatus, FailureKind
from llmbus.shared.clock import Clock
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.result import Failure
from llmbus.worker.llm_abstractions import BaseLlm, LlmReply, LlmRequest
from llmbus.worker.llm_abstractions.errors import LlmError, MissingApiKeyError
from llmbus.worker.subprocess_path import ScriptEnd, ScriptSettings
from llmbus.worker.subprocess_path.report import ScriptReport
from tests.model.held_calls import HeldCalls

__all__ = ["ModelProviders", "ModelScripts"]


class ModelProviders:
    """The providers of one worker process."""

    def __init__(self, calls: HeldCalls) -> None:
        self._calls = calls

    def get_provider(
        self, agent_type: AgentType | str, model: str | None = None, **kwargs: Any
    ) -> BaseLlm:
        return _HeldLlm(self._calls)

    def is_provider_available(self, agent_type: AgentType | str) -> bool:
        return True

    async def load(self, agent_type: AgentType | str) -> None:
        return None

    async def aclose(self) -> None:
        return None


class _HeldLlm(BaseLlm):
    provider = "held"

    def __init__(self, calls: HeldCalls) -> None:
        super().__init__("held")
        self._calls = calls

    async def generate(self, request: LlmRequest) -> LlmReply:
        assert request.origin is not None
        if request.origin.metadata.get("no_key"):
            raise MissingApiKeyError("the model has no key for this task")
        text = await self._calls.ask(by_script=False)
        return LlmReply(text=text, finish_reason="stop", usage=None, model="held", provider="held")


class ModelScripts:
    """Stands in for a `ScriptRunner`: the call that a script would make is held, too."""

    def __init__(self, calls: HeldCalls, settings: ScriptSettings, clock: Clock) -> None:
        self._calls = calls
        self._longest = timedelta(seconds=settings.fallback_timeout_seconds)
        self._clock = clock

    async def run(
        self,
        task: AgentTask,
        agent: RequestedAgent,
        *,
        reason: str | None = None,
        timeout: timedelta | None = None,
    ) -> ScriptEnd:
        report = ScriptReport(task, reason, self._clock)
        limit = self._longest if timeout is None else min(timeout, self._longest)
        started_at = self._clock.now()
        try:
            async with asyncio.timeout(limit.total_seconds()):
                output = await self._calls.ask(by_script=True)
        except TimeoutError:
            late = Failure(FailureKind.TIMEOUT, "the script was ended at its time limit")
            return ScriptEnd(report.of_failure(late))
        except LlmError as error:
            return ScriptEnd(report.of_failure(Failure(FailureKind.SCRIPT, str(error))))
        return ScriptEnd(
            ExecutionResult(
                task.task_id,
                task.agent,
                ExecutionStatus.SUCCESS,
                started_at,
                output=output,
                metadata={"execution_mode": "subprocess", "fallback_reason": reason},
            )
        )
