"""Messages as workers and producers park them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from llmbus.shared import AgentTask, AgentType, ExecutionResult, ExecutionStatus
from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.codec import encode_task
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.parking import parked_copy
from llmbus.shared.result_envelope import result_message
from llmbus.shared.task_messages import task_message
from llmbus.shared.topology import Layout

__all__ = ["LANE", "ORCHESTRATOR", "a_result", "a_task", "park"]

LANE: Final = "openai-gpt"
ORCHESTRATOR: Final = "orchestrator"


def a_task(task_id: str = "t1", agent_type: AgentType = AgentType.OPENAI_GPT) -> Message:
    task = AgentTask(task_id, f"Title of {task_id}", "Say hello.", "gpt-4")
    agent = RequestedAgent(agent_type)
    now = datetime.now(UTC)
    return task_message(task, encode_task(task), agent=agent, reply_to=ORCHESTRATOR, now=now)


def a_result(task_id: str = "t1") -> Message:
    now = datetime.now(UTC)
    result = ExecutionResult(task_id, "gpt-4", ExecutionStatus.SUCCESS, now, now, output="Paid.")
    return result_message(result, a_task(task_id), now=now)


async def park(
    bus: Bus,
    layout: Layout,
    message: Message,
    routing_key: str = LANE,
    *,
    age: timedelta = timedelta(0),
    **stay: Any,
) -> Message:
    """Put it into parking as if it had been parked so long ago."""
    now = datetime.now(UTC) - age
    values: dict[str, Any] = {
        "reason": "nobody knows what to do",
        "origin": layout.lane_queue(LANE),
    } | stay
    copy = parked_copy(message, now=now, **values)
    copy = replace(copy, timestamp=now.replace(microsecond=0))
    await bus.publish(layout.unrouted, routing_key, copy)
    return copy
