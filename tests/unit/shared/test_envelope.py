"""What travels around a body: headers survive a retry, and nonsense in them does no harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from llmbus.shared import AgentConfig, AgentInterface, AgentTask, AgentType
from llmbus.shared.bus.interface import Message
from llmbus.shared.codec import MSGPACK, decode_result, encode_task
from llmbus.shared.envelope import (
    AGENT,
    ATTEMPT,
    ORIGIN,
    REASON,
    TENANT,
    RequestedAgent,
    attempt_of,
    parked_copy,
    requested_agent_of,
    result_message,
    retry_copy,
    submission_of,
    task_message,
)
from llmbus.shared.result import ExecutionResult, ExecutionStatus

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
AGENT_ASKED = RequestedAgent(AgentType.OPENAI_GPT, "gpt-4o", 500, 0.1)


def asked(**fields: Any) -> Message:
    task = AgentTask("t1", "Title", "Do it.", "gpt-4", **fields)
    return task_message(task, encode_task(task), agent=AGENT_ASKED, reply_to="me", now=NOW)


def with_headers(**headers: Any) -> Message:
    return Message(b"", "agent.task.v1", correlation_id="t1", priority=4, headers=headers)


def test_first_publish_carries_what_belongs_to_the_delivery() -> None:
    message = asked(tenant="acme")
    assert (message.correlation_id, message.reply_to, message.priority) == ("t1", "me", 4)
    assert attempt_of(message) == 1
    assert requested_agent_of(message) == AGENT_ASKED
    assert message.headers[TENANT] == "acme"


def test_key_and_endpoint_of_an_agent_never_travel() -> None:
    config = AgentConfig(
        "a",
        AgentType.CUSTOM,
        AgentInterface.API,
        api_key="sekret",
        api_endpoint="http://inside.example",
    )
    task = AgentTask("t1", "Title", "Do it.", "a")
    agent = RequestedAgent.from_config(config)
    message = task_message(task, encode_task(task), agent=agent, reply_to="me", now=NOW)
    assert "sekret" not in repr(message)
    assert "inside.example" not in repr(message)


def test_retry_keeps_body_priority_route_and_submission() -> None:
    first = asked(tenant="acme")
    first = replace(first, headers={**first.headers, "x-death": "3"})
    again = retry_copy(first, now=LATER)
    assert attempt_of(again) == 2
    assert again.timestamp == LATER
    assert submission_of(again) == submission_of(first)
    assert "x-death" not in again.headers
    unchanged = ("body", "priority", "reply_to", "correlation_id", "content_type", "type")
    assert all(getattr(again, name) == getattr(first, name) for name in unchanged)
    assert again.headers[TENANT] == "acme"


def test_parked_copy_says_why_and_whence() -> None:
    message = asked()
    parked = parked_copy(message, reason="nobody can read it", origin="llmbus.tasks.x", now=LATER)
    assert parked.headers[REASON] == "nobody can read it"
    assert parked.headers[ORIGIN] == "llmbus.tasks.x"
    assert parked.body == message.body


@pytest.mark.parametrize("value", [None, "three", 0, -1, ""])
def test_senseless_attempt_counts_as_the_first(value: Any) -> None:
    assert attempt_of(with_headers(**{ATTEMPT: value})) == 1


@pytest.mark.parametrize("value", [None, 7, "", "{", "[]", '{"agent_type": "nobody"}'])
def test_senseless_agent_is_none(value: Any) -> None:
    assert requested_agent_of(with_headers(**{AGENT: value})) is None


def test_answer_comes_in_the_encoding_of_the_question() -> None:
    task = AgentTask("t1", "Title", "Do it.", "gpt-4", tenant="acme")
    body = encode_task(task, MSGPACK)
    question = replace(asked(tenant="acme"), content_type=MSGPACK, body=body)
    result = ExecutionResult("t1", "gpt-4", ExecutionStatus.SUCCESS, NOW)
    answer = result_message(result, question, now=LATER)
    assert decode_result(answer.body, answer.content_type) == result
    assert answer.content_type == MSGPACK
    assert answer.headers == {TENANT: "acme"}
    assert answer.correlation_id == "t1"
