"""What a script is given on stdin."""

from __future__ import annotations

import msgspec

from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.errors import InvalidTaskError
from llmbus.shared.task import AgentTask

__all__ = ["script_input"]


def script_input(task: AgentTask, agent: RequestedAgent) -> bytes:
    """The task as JSON, and beside its fields how to ask; what the task itself wishes comes before
    what its agent does. Raises `InvalidTaskError` for a task that JSON cannot hold."""
    wishes = {
        "model": task.metadata.get("model") or agent.model or None,
        "max_tokens": task.metadata.get("max_tokens", agent.max_tokens),
        "temperature": task.metadata.get("temperature", agent.temperature),
    }
    said = {name: value for name, value in wishes.items() if value is not None}
    said |= {"agent_type": agent.agent_type.value, "execution_mode": "api"}
    try:
        return msgspec.json.encode(task.to_dict() | said)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidTaskError(f"the task cannot be written as JSON: {error}") from None
