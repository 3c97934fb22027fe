"""What is checked of a task before anything is sent."""

from __future__ import annotations

from datetime import datetime

from llmbus.shared.agents import AgentType
from llmbus.shared.codec import encode_task
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.errors import DeadlineExpiredError, UnknownAgentError
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.task import AgentTask

__all__ = ["agent_for", "checked_body"]


def checked_body(task: AgentTask, now: datetime) -> bytes:
    """The body to send. `InvalidTaskError`, `BodyTooLargeError` or `DeadlineExpiredError`."""
    body = encode_task(task)
    if task.deadline is not None and task.deadline <= now:
        raise DeadlineExpiredError(
            f"task {task.task_id!r}: the deadline {task.deadline.isoformat()} has passed"
        )
    return body


def agent_for(task: AgentTask, registry: AgentRegistry) -> RequestedAgent:
    """The agent that the task names, by its registered name or by an agent type itself;
    `UnknownAgentError` if there is none, or it is disabled."""
    config = registry.get_agent(task.agent)
    if config is None and task.agent in set(AgentType):
        return RequestedAgent(AgentType(task.agent))
    try:
        config = registry.require_agent(task.agent)
    except UnknownAgentError as error:
        raise UnknownAgentError(f"task {task.task_id!r}: {error}") from None
    if not config.enabled:
        raise UnknownAgentError(f"task {task.task_id!r}: agent {task.agent!r} is disabled")
    return RequestedAgent.from_config(config)
