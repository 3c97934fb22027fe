"""The messages that carry a task: the first, and its copies for another attempt, for later or for
the fallback. A copy has the body untouched."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec

from llmbus.shared.bus.interface import HeaderValue, Message
from llmbus.shared.codec import JSON
from llmbus.shared.envelope import (
    AGENT,
    ATTEMPT,
    FAILED,
    FAILURE,
    FALLBACK,
    FIRST_AT,
    LANE,
    TASK_TYPE,
    TENANT,
    RequestedAgent,
    attempt_of,
    earlier_failures_of,
    note_spent,
    own_headers,
)
from llmbus.shared.result import Failure, Usage
from llmbus.shared.task import AgentTask

__all__ = ["fallback_copy", "repeated_copy", "retry_copy", "task_message"]


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


def retry_copy(
    message: Message, *, failure: Failure, spent: Usage | None, now: datetime
) -> Message:
    """The same task for its next attempt. The broker's own `x-…` headers stay behind: some
    versions would go on counting in them, others ignore them."""
    headers = own_headers(message.headers)
    headers[ATTEMPT] = attempt_of(message) + 1
    failed = earlier_failures_of(message)
    failed[failure.kind] = failed.get(failure.kind, 0) + 1
    headers[FAILED] = msgspec.json.encode(failed).decode()
    note_spent(headers, message, spent)
    return replace(message, headers=headers, timestamp=now)


def repeated_copy(message: Message, *, submission: str, lane: str, now: datetime) -> Message:
    """The same task for the same attempt, to be looked at later. Where another program sent it,
    its copies still count as one submission."""
    headers = own_headers(message.headers)
    headers.setdefault(FIRST_AT, submission)
    headers[LANE] = lane
    return replace(message, headers=headers, timestamp=now)


def fallback_copy(
    message: Message,
    *,
    reason: str,
    failure: Failure | None,
    attempt: int,
    spent: Usage | None,
    now: datetime,
) -> Message:
    """The same task for the fallback queue: why it leaves the direct path, which attempt the
    fallback's run will be, and what was consumed so far."""
    headers = own_headers(message.headers)
    headers[FALLBACK] = reason
    headers[ATTEMPT] = attempt
    if failure is not None:
        headers[FAILURE] = msgspec.json.encode(failure).decode()
    note_spent(headers, message, spent)
    return replace(message, headers=headers, timestamp=now)
