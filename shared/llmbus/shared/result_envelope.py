"""What travels around a result: its AMQP properties and headers."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from llmbus.shared.bus.interface import HeaderValue, Message
from llmbus.shared.codec import encode_result
from llmbus.shared.envelope import (
    ANSWERED_REDRIVE,
    ANSWERED_SUBMISSION,
    FIRST_AT,
    REDRIVES,
    TENANT,
)
from llmbus.shared.result import ExecutionResult
from llmbus.shared.store.claims import StoredResult

__all__ = ["RESULT_TYPE", "repeated_result_message", "result_message"]

RESULT_TYPE: Final = "agent.result.v1"


def result_message(result: ExecutionResult, asked: Message, *, now: datetime) -> Message:
    """The answer to a task's message, in the encoding in which it was asked."""
    return Message(
        body=encode_result(result, asked.content_type),
        type=RESULT_TYPE,
        correlation_id=result.task_id,
        priority=asked.priority,
        content_type=asked.content_type,
        timestamp=now,
        headers=_result_headers(asked),
    )


def repeated_result_message(stored: StoredResult, asked: Message, *, now: datetime) -> Message:
    """The answer that was given before, for whoever asks again."""
    return Message(
        body=stored.body,
        type=RESULT_TYPE,
        correlation_id=asked.correlation_id,
        priority=asked.priority,
        content_type=stored.content_type,
        timestamp=now,
        headers=_result_headers(asked),
    )


def _result_headers(asked: Message) -> dict[str, HeaderValue]:
    names = {TENANT: TENANT, FIRST_AT: ANSWERED_SUBMISSION, REDRIVES: ANSWERED_REDRIVE}
    return {theirs: asked.headers[ours] for ours, theirs in names.items() if ours in asked.headers}
