"""What a script is given: the task, and what callers may say beside the task's own fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from llmbus.shared.agents import AgentType
from llmbus.shared.errors import InvalidTaskError
from llmbus.shared.task import AgentTask

__all__ = ["ScriptInput", "read_input"]


@dataclass(frozen=True)
class ScriptInput:
    """One task, and whom to ask how."""

    task: AgentTask
    """Its metadata hold what was said at the top level about the call."""
    agent_type: AgentType
    execution_mode: str


class _Beside(msgspec.Struct, frozen=True):
    """The further top-level fields. Null means the same as leaving one out."""

    model: str | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    temperature: float | None = None
    execution_mode: str | None = None
    agent_type: AgentType | None = None

    def wishes(self) -> dict[str, Any]:
        """Those about the call, under the names that the metadata have for them."""
        wishes = {
            "model": self.model or None,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
        }
        return {name: value for name, value in wishes.items() if value is not None}


def read_input(body: bytes, agent_types: Sequence[AgentType]) -> ScriptInput:
    """The task in this JSON, for one of these agent types: the first, if none is named.

    Raises `InvalidInputError` that names the field.
    """
    values = _decoded(body)
    task = AgentTask.from_dict(values)
    try:
        beside = msgspec.convert(values, _Beside)
    except msgspec.ValidationError as error:
        raise InvalidTaskError(str(error)) from error
    agent_type = beside.agent_type or agent_types[0]
    if agent_type not in agent_types:
        raise InvalidTaskError(
            f"agent_type {agent_type.value!r} has a script of its own (this one is for:"
            f" {', '.join(agent_types)})"
        )
    task.metadata = task.metadata | beside.wishes()
    return ScriptInput(task, agent_type, beside.execution_mode or "")


def _decoded(body: bytes) -> Mapping[str, Any]:
    if not body.strip():
        raise InvalidTaskError("stdin is empty: give one JSON task on it")
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidTaskError(f"stdin holds no JSON task: {error}") from error
