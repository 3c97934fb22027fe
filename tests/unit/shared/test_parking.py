"""A stay in parking is told, and a redrive keeps all but the attempts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from llmbus.shared import AgentTask, AgentType
from llmbus.shared.bus.interface import Message
from llmbus.shared.codec import encode_task
from llmbus.shared.envelope import (
    RESULT_TYPE,
    RequestedAgent,
    attempt_of,
    fallback_copy,
    requested_agent_of,
    submission_of,
    task_message,
)
from llmbus.shared.parking import (
    HISTORY,
    Stay,
    exchange_for,
    history_of,
    parked_copy,
    redriven_copy,
    stay_of,
)
from llmbus.shared.result import Failure, FailureKind
from llmbus.shared.topology import Layout

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
LAYOUT = Layout()
AGENT = RequestedAgent(AgentType.OPENAI_GPT, "gpt-4o", 500, 0.1)
BROKEN = Failure(FailureKind.INTERNAL, "the script printed nothing")


def asked() -> Message:
    task = AgentTask("t1", "Title", "Do it.", "gpt-4", tenant="acme")
    return task_message(task, encode_task(task), agent=AGENT, reply_to="me", now=NOW)


def parked(message: Message, **fields: Any) -> Message:
    values: dict[str, Any] = {"reason": "no use", "origin": LAYOUT.fallback_queue, "now": LATER}
    return parked_copy(message, **(values | fields))


def test_stay_tells_why_whence_and_since_when() -> None:
    first = asked()
    message = parked(first, failure=BROKEN, stderr="Traceback")
    assert stay_of(message) == Stay(
        reason="no use",
        origin=LAYOUT.fallback_queue,
        parked_at=LATER,
        attempts=1,
        failure=BROKEN,
        stderr="Traceback",
    )
    assert message.body == first.body


def test_message_without_a_reason_had_no_route() -> None:
    assert stay_of(asked()).reason == "no queue was bound for its route"


def test_redrive_keeps_ids_priority_route_and_history() -> None:
    first = parked(replace(asked(), priority=9), failure=BROKEN)
    again = redriven_copy(first, now=LATER)
    for name in ("body", "priority", "reply_to", "correlation_id", "content_type", "type"):
        assert getattr(again, name) == getattr(first, name)
    assert requested_agent_of(again) == AGENT
    assert attempt_of(again) == 1
    assert history_of(again) == [stay_of(first)]
    second = redriven_copy(parked(again, reason="again"), now=LATER)
    assert [stay.reason for stay in history_of(second)] == ["no use", "again"]


def test_repeats_of_one_redrive_are_one_submission() -> None:
    first = parked(asked())
    assert submission_of(redriven_copy(first, now=NOW)) == submission_of(
        redriven_copy(first, now=LATER)
    )
    assert submission_of(redriven_copy(first, now=NOW)) != submission_of(first)


def test_redrive_goes_where_the_message_came_from() -> None:
    from_lane = parked(asked(), origin=LAYOUT.lane_queue("openai-gpt"))
    assert exchange_for(from_lane, LAYOUT) == LAYOUT.tasks
    handed = fallback_copy(asked(), reason="x", failure=None, attempt=1, spent=None, now=NOW)
    assert exchange_for(parked(handed), LAYOUT) == LAYOUT.dead
    assert exchange_for(replace(asked(), type=RESULT_TYPE), LAYOUT) == LAYOUT.results
    assert exchange_for(asked(), LAYOUT) == LAYOUT.tasks


@pytest.mark.parametrize("value", [7, "", "{", '["no stay"]'])
def test_senseless_history_is_empty(value: Any) -> None:
    assert history_of(replace(asked(), headers={HISTORY: value})) == []
