"""What travels around a body: headers survive a retry, and nonsense in them does no harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from llmbus.shared import AgentConfig, AgentInterface, AgentTask, AgentType
from llmbus.shared.bus.interface import Message
from llmbus.shared.codec import MSGPACK, decode_result, encode_task
from llmbus.shared.envelope import (
    AGENT,
    ATTEMPT,
    FAILURE,
    REDRIVES,
    TENANT,
    RequestedAgent,
    attempt_of,
    earlier_failures_of,
    fallback_reason_of,
    requested_agent_of,
    spent_of,
    submission_of,
)
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind, Usage
from llmbus.shared.result_envelope import result_message
from llmbus.shared.task_messages import fallback_copy, retry_copy, task_message

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
SLOW = Failure(FailureKind.RATE_LIMITED, "slow down", retryable=True)
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
    again = retry_copy(first, failure=SLOW, spent=None, now=LATER)
    assert attempt_of(again) == 2
    assert again.timestamp == LATER
    assert submission_of(again) == submission_of(first)
    assert "x-death" not in again.headers
    unchanged = ("body", "priority", "reply_to", "correlation_id", "content_type", "type")
    assert all(getattr(again, name) == getattr(first, name) for name in unchanged)
    assert again.headers[TENANT] == "acme"


def test_fallback_copy_says_why_and_which_attempt_it_will_be() -> None:
    first = asked()
    copy = fallback_copy(
        first, reason="attempts_used_up", failure=SLOW, attempt=4, spent=None, now=LATER
    )
    assert fallback_reason_of(copy) == "attempts_used_up"
    assert attempt_of(copy) == 4
    assert submission_of(copy) == submission_of(first)
    assert msgspec.json.decode(str(copy.headers[FAILURE]), type=Failure) == SLOW
    assert spent_of(copy) is None
    assert fallback_reason_of(first) is None


def test_what_attempts_consumed_adds_up() -> None:
    once = retry_copy(asked(), failure=SLOW, spent=Usage(10, 5, cost_usd=0.25), now=LATER)
    twice = retry_copy(once, failure=SLOW, spent=Usage(1, 1, cost_usd=0.5), now=LATER)
    assert spent_of(twice) == Usage(11, 6, cost_usd=0.75)
    unknown = retry_copy(twice, failure=SLOW, spent=Usage(1, 0), now=LATER)
    assert spent_of(unknown) == Usage(12, 6, cost_usd=None)
    assert spent_of(retry_copy(twice, failure=SLOW, spent=None, now=LATER)) == spent_of(twice)


def test_failures_are_counted_by_kind() -> None:
    down = Failure(FailureKind.UNAVAILABLE, "down", retryable=True)
    message = asked()
    for failure in (SLOW, down, SLOW):
        message = retry_copy(message, failure=failure, spent=None, now=LATER)
    assert earlier_failures_of(message) == {"rate_limited": 2, "unavailable": 1}
    assert earlier_failures_of(asked()) == {}


def test_each_redrive_is_a_submission_of_its_own() -> None:
    first = asked()
    redriven = replace(first, headers={**first.headers, REDRIVES: 1})
    assert submission_of(redriven) != submission_of(first)
    assert submission_of(redriven) == submission_of(
        retry_copy(redriven, failure=SLOW, spent=None, now=LATER)
    )


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
