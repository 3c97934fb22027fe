"""Whatever is wrong with a task, somebody who can mend it hears of it, and the worker goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from llmbus.shared import AgentTask, AgentType, FailureKind
from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.codec import MAX_BODY_BYTES, encode_task
from llmbus.shared.envelope import AGENT, ATTEMPT, RequestedAgent
from llmbus.shared.errors import (
    BodyTooLargeError,
    ClosedError,
    DeadlineExpiredError,
    InvalidTaskError,
    LlmbusError,
    UnknownAgentError,
    UnroutableError,
)
from llmbus.shared.parking import ORIGIN, REASON
from llmbus.shared.task_messages import task_message
from llmbus.worker.events import MessageParked
from llmbus.worker.llm_abstractions import Script
from tests.contracts.path.scene import LANE, PATIENCE_SECONDS, CountedProviders, Scene, task
from tests.support.failures import failure_kind
from tests.support.waiting import Collected

NOW = datetime.now(UTC)


def set_timeout_to_minus_one(broken: AgentTask) -> None:
    broken.timeout_seconds = -1


def set_deadline_to_the_past(broken: AgentTask) -> None:
    broken.deadline = NOW - timedelta(seconds=1)


def set_title_to_a_number(broken: AgentTask) -> None:
    broken.title = 7  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]


def set_agent_to_a_stranger(broken: AgentTask) -> None:
    broken.agent = "stranger"


def put_in_nine_megabytes(broken: AgentTask) -> None:
    broken.description = "x" * (MAX_BODY_BYTES + 1)


def put_in_something_unwritable(broken: AgentTask) -> None:
    broken.metadata["lock"] = object()


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (set_timeout_to_minus_one, InvalidTaskError, "timeout_seconds must be positive"),
        (set_deadline_to_the_past, DeadlineExpiredError, "has passed"),
        (set_title_to_a_number, InvalidTaskError, "title"),
        (set_agent_to_a_stranger, UnknownAgentError, "claude-code, gemini-pro, gpt-4"),
        (put_in_nine_megabytes, BodyTooLargeError, "8,388,608"),
        (put_in_something_unwritable, InvalidTaskError, "t1"),
    ],
)
async def test_wrong_task_is_refused_at_submit_and_nothing_is_sent(
    scene: Scene,
    bus: Bus,
    spoil: Callable[[AgentTask], None],
    error: type[LlmbusError],
    says: str,
) -> None:
    broken = task()
    spoil(broken)
    async with scene.producer() as producer:
        with pytest.raises(error, match=says):
            await producer.submit(broken)
        with pytest.raises(error, match=says):
            await producer.submit_many([task("fine"), broken])
    queue = scene.layout.lane_queue(LANE)
    depth = (await bus.depths([queue]))[queue]
    assert depth is not None
    assert depth.ready == 0


async def test_disabled_agent_is_refused(scene: Scene) -> None:
    async with scene.producer() as producer:
        producer.registry.disable_agent("gpt-4")
        with pytest.raises(UnknownAgentError, match="disabled"):
            await producer.submit(task())


async def test_lane_that_nobody_serves_is_refused_by_name(scene: Scene) -> None:
    async with scene.producer() as producer:
        with pytest.raises(UnroutableError, match="--lanes night-shift"):
            await producer.submit(task(), lane="night-shift")


async def test_producer_that_is_not_open_says_so(scene: Scene) -> None:
    with pytest.raises(ClosedError, match="async with"):
        await scene.producer().submit(task())


async def test_task_that_expires_in_its_queue_is_not_run(scene: Scene) -> None:
    async with scene.producer() as producer:
        soon = datetime.now(UTC) + timedelta(milliseconds=200)
        handle = await producer.submit(task(deadline=soon))
        while datetime.now(UTC) < soon:  # the deadline is the event
            with pytest.raises(TimeoutError):
                await handle.wait(0.05)
        async with scene.worker():
            result = await handle.wait(PATIENCE_SECONDS)
    assert failure_kind(result) is FailureKind.EXPIRED
    assert result.attempts == 0
    assert not scene.providers.calls


async def test_task_that_runs_into_its_deadline_is_cut(scene: Scene) -> None:
    async with scene.producer() as producer, scene.worker():
        soon = datetime.now(UTC) + timedelta(milliseconds=300)
        slow = task(deadline=soon, script={"latency_seconds": 60})
        result = await (await producer.submit(slow)).wait(PATIENCE_SECONDS)
    assert failure_kind(result) is FailureKind.EXPIRED
    assert "may be billed" in result.error


def message(**changes: object) -> Message:
    asked = task()
    good = task_message(
        asked,
        encode_task(asked),
        agent=RequestedAgent(AgentType.OPENAI_GPT),
        reply_to="orchestrator",
        now=NOW,
    )
    return replace(good, **changes)  # type: ignore[arg-type]


NEWER = msgspec.json.encode({**task().to_dict(), "schema_version": 2})
UNTITLED = msgspec.json.encode({**task().to_dict(), "title": ""})
WRONG_TYPE = msgspec.json.encode({**task().to_dict(), "priority": "yesterday"})


@pytest.mark.parametrize(
    ("unusable", "says"),
    [
        (message(body=b"\x00\xff not a task"), "cannot be read"),
        (message(body=b""), "cannot be read"),
        (message(body=b"[" * 100_000), "cannot be read"),
        (message(body=NEWER), "schema_version 2"),
        (message(body=UNTITLED), "title is required"),
        (message(body=WRONG_TYPE), "priority"),
        (message(body=b"{}"), "task_id"),
        (message(content_type="text/plain"), "content type"),
        (message(body=b'"' + b"x" * MAX_BODY_BYTES + b'"'), "8,388,608"),
    ],
    ids=["bytes", "empty", "deep", "newer", "untitled", "wrong-type", "fields", "type", "large"],
)
async def test_unreadable_message_is_parked_with_its_reason_and_the_worker_goes_on(
    scene: Scene, bus: Bus, unusable: Message, says: str
) -> None:
    parked = Collected()
    await bus.consume(scene.layout.parking_queue, 10, parked)
    async with scene.producer() as producer, scene.worker(concurrency=1):
        await bus.publish(scene.layout.tasks, LANE, unusable)
        [delivery] = await parked.wait_for(1)
        result = await (await producer.submit(task("next"))).wait(PATIENCE_SECONDS)
    assert says in str(delivery.message.headers[REASON])
    assert delivery.message.headers[ORIGIN] == scene.layout.lane_queue(LANE)
    assert delivery.message.body == unusable.body
    assert result.output
    assert not scene.providers.calls["t1"]
    await delivery.ack()


async def test_agent_that_nobody_describes_is_a_failed_result(scene: Scene, bus: Bus) -> None:
    stranger = encode_task(task(agent="stranger"))
    async with scene.producer() as producer, scene.worker():
        undescribed = message(body=stranger, headers={ATTEMPT: 1, AGENT: "{not json"})
        await bus.publish(scene.layout.tasks, LANE, undescribed)
        result = await anext(aiter(producer.results()))
    assert failure_kind(result) is FailureKind.UNKNOWN_AGENT


async def test_senseless_attempt_counts_as_the_first(scene: Scene, bus: Bus) -> None:
    async with scene.producer() as producer, scene.worker():
        await bus.publish(scene.layout.tasks, LANE, message(headers={ATTEMPT: -3}))
        result = await anext(aiter(producer.results()))
    assert result.attempts == 1


@pytest.mark.parametrize("reply_to", [None, "an-orchestrator-that-never-was"])
async def test_paid_answer_that_nobody_awaits_is_parked_not_lost(
    scene: Scene, bus: Bus, reply_to: str | None
) -> None:
    parked = Collected()
    await bus.consume(scene.layout.parking_queue, 10, parked)
    async with scene.worker():
        await bus.publish(scene.layout.tasks, LANE, message(reply_to=reply_to))
        [delivery] = await parked.wait_for(1)
        await delivery.ack()
        await scene.events.wait_for(MessageParked)
    assert delivery.message.type == "agent.result.v1"
    assert b"Scripted answer" in delivery.message.body


@pytest.mark.parametrize("character", ["x", "\x01", "ü"])
async def test_answer_that_is_too_large_arrives_cut(scene: Scene, character: str) -> None:
    scene.providers = CountedProviders({"t1": Script(answer=character * MAX_BODY_BYTES)})
    async with scene.producer() as producer, scene.worker():
        result = await (await producer.submit(task())).wait(PATIENCE_SECONDS)
    assert result.metadata["output_cut_from_bytes"] == len(character.encode()) * MAX_BODY_BYTES
    assert set(result.output) == {character}
