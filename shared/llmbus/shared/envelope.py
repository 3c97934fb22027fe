"""What travels around a body: AMQP properties and `llmbus-…` headers.

The body says what is asked; all that belongs to one hand-over (attempt, reply route, which model
the orchestrator chose) stands here, so that a retry copies the body untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from llmbus.shared.agents import AgentConfig, AgentType
from llmbus.shared.bus.interface import HeaderValue, Message
from llmbus.shared.codec import JSON, encode_result
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import AgentTask

__all__ = [
    "RequestedAgent",
    "attempt_of",
    "parked_copy",
    "requested_agent_of",
    "result_message",
    "retry_copy",
    "submission_of",
    "task_message",
]

TASK_TYPE: Final = "agent.task.v1"
RESULT_TYPE: Final = "agent.result.v1"

ATTEMPT: Final = "llmbus-attempt"
"""Which run this hand-over is for; the first is 1."""
AGENT: Final = "llmbus-agent"
"""What the orchestrator's registry says of the agent, as JSON."""
FIRST_AT: Final = "llmbus-first-at"
"""When the task was first published, ISO 8601; `timestamp` is that of the latest publish."""
TENANT: Final = "llmbus-tenant"
REASON: Final = "llmbus-reason"
"""Why a message stands in parking."""
ORIGIN: Final = "llmbus-origin"
"""The queue from which a parked message was taken."""


class RequestedAgent(msgspec.Struct, frozen=True, omit_defaults=True):
    """The agent as its orchestrator registered it: enough to run it anywhere. Neither key nor
    endpoint: a message must not choose where a worker sends its key."""

    agent_type: AgentType
    model: str = ""
    max_tokens: int | None = None
    temperature: float | None = None

    @classmethod
    def from_config(cls, config: AgentConfig) -> RequestedAgent:
        """What of this agent may travel."""
        return cls(config.agent_type, config.model, config.max_tokens, config.temperature)


_AGENT_DECODER: Final = msgspec.json.Decoder(RequestedAgent)


def task_message(
    task: AgentTask, body: bytes, *, agent: RequestedAgent, reply_to: str, now: datetime
) -> Message:
    """The first publish of a task."""
    headers: dict[str, HeaderValue] = {
        ATTEMPT: 1,
        AGENT: msgspec.json.encode(agent).decode(),
        FIRST_AT: now.isoformat(),
    }
    if task.tenant is not None:
        headers[TENANT] = task.tenant
    return Message(
        body=body,
        type=TASK_TYPE,
        correlation_id=task.task_id,
        priority=task.priority.amqp,
        content_type=JSON,
        reply_to=reply_to,
        timestamp=now,
        headers=headers,
    )


def result_message(result: ExecutionResult, asked: Message, *, now: datetime) -> Message:
    """The answer to a task's message, in the encoding in which it was asked."""
    return Message(
        body=encode_result(result, asked.content_type),
        type=RESULT_TYPE,
        correlation_id=result.task_id,
        priority=asked.priority,
        content_type=asked.content_type,
        timestamp=now,
        headers={name: asked.headers[name] for name in (TENANT,) if name in asked.headers},
    )


def retry_copy(message: Message, *, now: datetime) -> Message:
    """The same task for its next attempt. The broker's own `x-…` headers stay behind: some
    versions would go on counting in them, others ignore them."""
    headers = _own_headers(message.headers)
    headers[ATTEMPT] = attempt_of(message) + 1
    return replace(message, headers=headers, timestamp=now)


def parked_copy(message: Message, *, reason: str, origin: str, now: datetime) -> Message:
    """The message as it came, with the reason why nobody could deal with it."""
    headers = _own_headers(message.headers)
    headers.update({REASON: reason, ORIGIN: origin})
    return replace(message, headers=headers, timestamp=now)


def attempt_of(message: Message) -> int:
    """Which run this hand-over is for; 1 where the header is missing or makes no sense."""
    attempt = message.headers.get(ATTEMPT, 1)
    return attempt if isinstance(attempt, int) and attempt >= 1 else 1


def submission_of(message: Message) -> str | None:
    """What all messages of one `submit` share; None where another program sent the message."""
    first_at = message.headers.get(FIRST_AT)
    return first_at if isinstance(first_at, str) else None


def requested_agent_of(message: Message) -> RequestedAgent | None:
    """The agent that the orchestrator asked for; None where the header is missing or unreadable."""
    header = message.headers.get(AGENT)
    if not isinstance(header, str):
        return None
    try:
        return _AGENT_DECODER.decode(header)
    except msgspec.DecodeError:
        return None


def _own_headers(headers: Mapping[str, HeaderValue]) -> dict[str, HeaderValue]:
    return {name: value for name, value in headers.items() if not name.startswith("x-")}
