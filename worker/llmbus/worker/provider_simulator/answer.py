"""What the simulated model answers, the same for every API."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from llmbus.worker.provider_simulator.behaviour import Behaviour, Finish
from llmbus.worker.provider_simulator.directives import without_directives
from llmbus.worker.provider_simulator.question import (
    CHARACTERS_PER_TOKEN,
    Question,
    tokens_of,
)
from llmbus.worker.provider_simulator.schema_example import example_of

__all__ = ["Answer", "CalledTool", "TokenCounts", "answer_to", "new_id"]

_REASONING_TOKENS: Final = 24
_THOUGHT: Final = "The question is simple; a short answer will do."
_REFUSAL: Final = "I can't help with that."
_CACHED_FROM_TOKENS: Final = 1_024
"""Shorter prompts are not cached by any of the services."""
_QUOTED_CHARACTERS: Final = 60


def new_id(prefix: str) -> str:
    """As the services make them up."""
    return f"{prefix}{secrets.token_hex(12)}"


class CalledTool(msgspec.Struct, frozen=True):
    """A function that the model calls."""

    id: str
    name: str
    arguments: Mapping[str, Any] | str

    @property
    def arguments_json(self) -> str:
        """As text, broken if it was steered so."""
        if isinstance(self.arguments, str):
            return self.arguments
        return msgspec.json.encode(self.arguments).decode()

    @property
    def arguments_object(self) -> Mapping[str, Any]:
        """For APIs that carry JSON and no text of it."""
        return {} if isinstance(self.arguments, str) else self.arguments


class TokenCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens by what they were spent on."""

    input: int
    """Including `cached`."""
    cached: int
    output: int
    """Including `reasoning`."""
    reasoning: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One complete answer."""

    model: str
    finish: Finish
    tokens: TokenCounts
    text: str = ""
    thought: str | None = None
    """None for a model that does not think first."""
    shows_thought: bool = True
    tools: Sequence[CalledTool] = ()
    refusal: str | None = None
    stopped_by: str | None = None
    """The stop sequence that ended the text."""


def answer_to(question: Question, behaviour: Behaviour) -> Answer:
    """What the behaviour says, and else something plausible that repeats the question."""
    thinks = question.thinks if behaviour.thinking is None else behaviour.thinking
    reasoning = _REASONING_TOKENS if thinks else 0
    finish = _finish(question, behaviour)
    tools = (_tool(question, behaviour),) if finish is Finish.TOOL else ()
    text, stopped_by = _until_stop(_text(question, behaviour, finish), question.stops)
    limit = question.output_limit
    if limit is not None and finish is Finish.STOP and reasoning + tokens_of(text) > limit:
        finish, stopped_by = Finish.LENGTH, None
        reasoning = min(reasoning, limit)
        text = text[: (limit - reasoning) * CHARACTERS_PER_TOKEN]
    written = tokens_of(text + "".join(tool.arguments_json for tool in tools))
    return Answer(
        model=behaviour.answering_model or question.model,
        finish=finish,
        tokens=_counted(question, behaviour, max(reasoning + written, 1), reasoning),
        text=text,
        thought=_THOUGHT if thinks else None,
        shows_thought=question.shows_thought,
        tools=tools,
        refusal=(behaviour.text or _REFUSAL) if finish is Finish.REFUSAL else None,
        stopped_by=stopped_by,
    )


def _finish(question: Question, behaviour: Behaviour) -> Finish:
    if behaviour.finish is not None:
        return behaviour.finish
    return Finish.TOOL if behaviour.tool or question.must_call else Finish.STOP


def _text(question: Question, behaviour: Behaviour, finish: Finish) -> str:
    if finish in {Finish.REFUSAL, Finish.FILTER}:
        return ""
    if behaviour.text is not None:
        return behaviour.text
    if finish is Finish.TOOL:
        return ""
    if question.json_schema is not None:
        return msgspec.json.encode(example_of({"type": "object", **question.json_schema})).decode()
    asked = " ".join(without_directives(question.last_user_text).split())
    return f"Simulated answer to: {asked[:_QUOTED_CHARACTERS]}"


def _tool(question: Question, behaviour: Behaviour) -> CalledTool:
    offered = {tool.name: tool.schema for tool in question.tools}
    name = behaviour.tool or next(iter(offered), "a_tool")
    arguments = behaviour.tool_arguments
    if arguments is None:
        arguments = example_of({"type": "object", **offered.get(name, {})})
    return CalledTool(new_id("call_"), name, arguments)


def _until_stop(text: str, stops: Sequence[str]) -> tuple[str, str | None]:
    found = [(text.index(stop), stop) for stop in stops if stop and stop in text]
    if not found:
        return text, None
    end, stop = min(found)
    return text[:end], stop


def _counted(question: Question, behaviour: Behaviour, output: int, reasoning: int) -> TokenCounts:
    asked = max(question.tokens, 1)
    usual = {
        "input": asked,
        "cached": asked // 2 if asked >= _CACHED_FROM_TOKENS else 0,
        "output": output,
        "reasoning": reasoning,
    }
    return TokenCounts(**usual | dict(behaviour.usage or {}))
