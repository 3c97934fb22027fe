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
    FAILURE,
    FALLBACK,
    RequestedAgent,
    attempt_of,
    earlier_failures_of,
    requested_agent_of,
    spent_of,
    submission_of,
)
from llmbus.shared.parking import (
    HISTORY,
    Route,
    Stay,
    history_of,
    parked_copy,
    redriven_copy,
    redrives_of,
    stay_of,
    way_back,
)
from llmbus.shared.result import Failure, FailureKind, Usage
from llmbus.shared.result_envelope import RESULT_TYPE
from llmbus.shared.task_messages import fallback_copy, retry_copy, task_message
from llmbus.shared.topology import Layout

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
LAYOUT = Layout()
AGENT = RequestedAgent(AgentType.OPENAI_GPT, "gpt-4o", 500, 0.1)
BACK = Route(LAYOUT.dead, "openai-gpt")
BROKEN = Failure(FailureKind.INTERNAL, "the script printed nothing")


def asked() -> Message:
    task = AgentTask("t1", "Title", "Do it.", "gpt-4", tenant="acme")
    return task_message(task, encode_task(task), agent=AGENT, reply_to="me", now=NOW)


def parked(message: Message, **fields: Any) -> Message:
    values: dict[str, Any] = {"reason": "no use", "origin": LAYOUT.fallback_queue, "now": LATER}
    return parked_copy(message, **(values | fields))


def redriven(message: Message, route: Route = BACK, now: datetime = LATER) -> Message:
    return redriven_copy(message, route=route, layout=LAYOUT, now=now)


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
    again = redriven(first)
    for name in ("body", "priority", "reply_to", "correlation_id", "content_type", "type"):
        assert getattr(again, name) == getattr(first, name)
    assert requested_agent_of(again) == AGENT
    assert attempt_of(again) == 1
    assert history_of(again) == [stay_of(first)]
    second = redriven(parked(again, reason="again"))
    assert [stay.reason for stay in history_of(second)] == ["no use", "again"]


def test_repeats_of_one_redrive_are_one_submission() -> None:
    first = parked(asked())
    assert submission_of(redriven(first, now=NOW)) == submission_of(redriven(first))
    assert submission_of(redriven(first, now=NOW)) != submission_of(first)


def test_redrive_to_the_lane_starts_without_the_marks_of_the_fallback() -> None:
    handed = fallback_copy(asked(), reason="x", failure=BROKEN, attempt=3, spent=None, now=NOW)
    to_fallback = redriven(parked(handed))
    assert (to_fallback.headers[FALLBACK], attempt_of(to_fallback)) == ("x", 1)
    to_lane = redriven(parked(handed), Route(LAYOUT.tasks, "openai-gpt"))
    assert {FALLBACK, FAILURE} & set(to_lane.headers) == set()


def test_earlier_failures_do_not_count_against_a_fresh_start() -> None:
    failed = retry_copy(asked(), failure=BROKEN, spent=Usage(input_tokens=7), now=NOW)
    again = redriven(parked(failed))
    assert earlier_failures_of(again) == {}
    assert spent_of(again) == Usage(input_tokens=7)


def test_redrive_goes_where_the_message_came_from() -> None:
    from_lane = parked(asked(), origin=LAYOUT.lane_queue("openai-gpt"))
    assert way_back(from_lane, "openai-gpt", LAYOUT) == (LAYOUT.tasks, "openai-gpt")
    assert way_back(from_lane, "", LAYOUT) == (LAYOUT.tasks, "openai-gpt")
    assert way_back(parked(asked()), "openai-gpt", LAYOUT) == (LAYOUT.dead, "openai-gpt")
    assert way_back(asked(), "openai-gpt", LAYOUT) == (LAYOUT.tasks, "openai-gpt")
    result = replace(asked(), type=RESULT_TYPE)
    assert way_back(result, "me", LAYOUT) == (LAYOUT.results, "me")


def test_what_does_not_say_whence_it_came_has_no_way_back() -> None:
    assert way_back(asked(), "", LAYOUT) is None
    assert way_back(replace(asked(), type=RESULT_TYPE), "", LAYOUT) is None
    assert way_back(replace(asked(), type="order.v7"), "shop", LAYOUT) is None


def test_headers_stay_small_however_much_there_is_to_tell() -> None:
    endless = "\N{BELL}" * 100_000
    message = asked()
    for round_number in range(1, 31):
        failure = Failure(FailureKind.INTERNAL, endless)
        message = redriven(parked(message, reason=endless, failure=failure, stderr=endless))
        assert redrives_of(message) == round_number
        assert history_of(message)
    standing = parked(message, reason=endless, failure=BROKEN, stderr="x" * 5_000 + "the end")
    assert stay_of(standing).stderr.endswith("the end")
    assert sum(len(str(value).encode()) for value in standing.headers.values()) < 100_000


@pytest.mark.parametrize("value", [7, "", "{", '["no stay"]'])
def test_senseless_history_is_empty(value: Any) -> None:
    assert history_of(replace(asked(), headers={HISTORY: value})) == []
