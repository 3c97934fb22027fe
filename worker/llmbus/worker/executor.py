"""From a task to an answer: the prompt, the provider, and the `ExecutionResult` of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec

from llmbus.shared.clock import Clock
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind, Usage
from llmbus.shared.task import AgentTask
from llmbus.worker.llm_abstractions.accounting import with_cost
from llmbus.worker.llm_abstractions.base_llm import LlmReply, LlmRequest, TaskOrigin
from llmbus.worker.llm_abstractions.errors import (
    LlmError,
    OutcomeUnknownError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.factory import Providers
from llmbus.worker.llm_abstractions.redaction import without_secrets
from llmbus.worker.prompt import build_messages
from llmbus.worker.provider_access import ProviderAccess

__all__ = ["BeforeCall", "Executor", "failed_result"]

BeforeCall = Callable[[], Awaitable[None]]

_log = logging.getLogger("llmbus.worker")


class Executor:
    """Asks a model directly, once per call. Time limits and retries are its caller's business."""

    def __init__(self, providers: Providers, clock: Clock) -> None:
        self._providers = providers
        self._clock = clock

    async def execute(
        self,
        task: AgentTask,
        agent: RequestedAgent,
        attempt: int,
        *,
        access: ProviderAccess | None = None,
        before_call: BeforeCall | None = None,
    ) -> ExecutionResult:
        """The answer, or a result with status `failed` that says why. Never raises, except when
        it is cancelled. Without an `access` of its own, the provider is asked with the key and at
        the address that the environment says. `before_call` is awaited when all is ready for the
        call, and may end the run."""
        started_at = self._clock.now()
        model = task.metadata.get("model") or agent.model or None
        try:
            reply = await self._ask(task, agent, attempt, model, access, before_call)
        except LlmError as error:
            paid = with_cost(error.usage, agent.agent_type, model or "")
            return failed_result(task, error.to_failure(), started_at, paid)
        except asyncio.CancelledError:
            if (current := asyncio.current_task()) and current.cancelling():
                raise
            # Nobody cancelled us: a transport lost its connection and says so in this odd way.
            lost = OutcomeUnknownError("the connection broke before the answer came", sent=True)
            return failed_result(task, lost.to_failure(), started_at)
        except Exception as error:
            _log.exception("provider_defect", extra={"fields": {"task_id": task.task_id}})
            key = access.api_key if access else None
            text = without_secrets(f"{type(error).__name__}: {error}", key)
            return failed_result(task, Failure(FailureKind.INTERNAL, text), started_at)
        return ExecutionResult(
            task_id=task.task_id,
            agent=task.agent,
            status=ExecutionStatus.SUCCESS,
            started_at=started_at,
            output=reply.text,
            metadata=_provenance(reply, model),
            usage=with_cost(reply.usage, reply.provider, reply.model),
        )

    async def _ask(
        self,
        task: AgentTask,
        agent: RequestedAgent,
        attempt: int,
        model: str | None,
        access: ProviderAccess | None,
        before_call: BeforeCall | None,
    ) -> LlmReply:
        request = _request_of(task, agent, attempt)
        await self._providers.load(agent.agent_type)
        own = access.arguments() if access else {}
        provider = self._providers.get_provider(agent.agent_type, model, **own)
        if before_call is not None:
            await before_call()
        return await provider.generate(request)


class _Wishes(msgspec.Struct, frozen=True):
    """What a task's metadata may say about its call."""

    model: str | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    temperature: float | None = None
    tools: list[dict[str, Any]] = []
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    stop: str | list[str] = []


def _request_of(task: AgentTask, agent: RequestedAgent, attempt: int) -> LlmRequest:
    try:
        wishes = msgspec.convert(task.metadata, _Wishes)
    except msgspec.ValidationError as error:
        raise RequestRejectedError(f"the task's metadata is wrong: {error}") from None
    return LlmRequest(
        messages=build_messages(task),
        max_tokens=agent.max_tokens if wishes.max_tokens is None else wishes.max_tokens,
        temperature=agent.temperature if wishes.temperature is None else wishes.temperature,
        tools=wishes.tools,
        tool_choice=wishes.tool_choice,
        response_format=wishes.response_format,
        stop=[wishes.stop] if isinstance(wishes.stop, str) else wishes.stop,
        origin=TaskOrigin(task.task_id, attempt, task.metadata),
    )


def failed_result(
    task: AgentTask, failure: Failure, started_at: datetime, usage: Usage | None = None
) -> ExecutionResult:
    """The result of a task that was not answered."""
    return ExecutionResult(
        task_id=task.task_id,
        agent=task.agent,
        status=ExecutionStatus.FAILED,
        started_at=started_at,
        error=failure.message,
        metadata={"execution_mode": "llm_direct"},
        usage=usage,
        failure=failure,
    )


def _provenance(reply: LlmReply, requested_model: str | None) -> dict[str, Any]:
    found = {
        "execution_mode": "llm_direct",
        "provider": reply.provider,
        "model": reply.model,
        "requested_model": requested_model,
        "endpoint": reply.endpoint,
        "finish_reason": reply.finish_reason,
        "request_id": reply.request_id,
        # All that is needed to go on once the tools have run.
        "assistant_message": reply.as_message() if reply.tool_calls else None,
    }
    return {name: value for name, value in found.items() if value is not None}
