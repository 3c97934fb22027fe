"""The prompt: how a task is put to a model. Its lines are a compatibility contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from llmbus.shared import AgentTask

__all__ = ["build_messages"]


def build_messages(task: AgentTask) -> list[dict[str, Any]]:
    """The task as a system and a user message in the OpenAI chat format."""
    return [
        {"role": "system", "content": _who_asks(task)},
        {"role": "user", "content": _what_is_asked(task)},
    ]


def _who_asks(task: AgentTask) -> str:
    return (
        "You are an AI agent executing a specific task for project orchestration.\n\n"
        f"Task ID: {task.task_id}\n"
        f"Title: {task.title}\n"
        f"Agent: {task.agent}\n\n"
        "Your goal is to complete the task according to the specifications."
    )


def _what_is_asked(task: AgentTask) -> str:
    parts = [f"Please complete the following task:\n\n{task.description}"]
    if task.deliverables:
        parts.append(f"Expected Deliverables:\n{_bullets(task.deliverables)}")
    if task.success_criteria:
        parts.append(f"Success Criteria:\n{_bullets(task.success_criteria)}")
    if context := task.metadata.get("context"):
        parts.append(f"Context:\n{_as_text(context)}")
    return "\n\n".join(parts)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _as_text(context: object) -> str:
    """A text as it is; anything else as JSON, which models read well."""
    if isinstance(context, str):
        return context
    return msgspec.json.format(msgspec.json.encode(context), indent=2).decode()
