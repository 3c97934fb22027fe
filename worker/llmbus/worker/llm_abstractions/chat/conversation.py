"""Messages in the OpenAI chat format, read once and checked, as a conversation in turns.

What the other APIs want is built from this: instructions apart from the turns, neighbours of one
side merged, tool results first in the turn that answers the calls, nothing empty. The caller's
messages are never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from llmbus.worker.llm_abstractions.base_llm import Message
from llmbus.worker.llm_abstractions.chat.calls import Call, id_of_old_call, read_calls
from llmbus.worker.llm_abstractions.chat.parts import Part, Text, as_object, read_parts
from llmbus.worker.llm_abstractions.errors import RequestRejectedError

__all__ = [
    "AssistantTurn",
    "Call",
    "Conversation",
    "Result",
    "UserTurn",
    "begun_by_user",
    "read_conversation",
]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a call gave."""

    call_id: str
    name: str
    """Of the function."""
    parts: tuple[Part, ...]
    """Empty if the function gave nothing."""

    @property
    def text(self) -> str:
        """The texts in it, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


class UserTurn(msgspec.Struct, frozen=True):
    """The user's side: results of the calls in the turn before, then what the user says."""

    results: tuple[Result, ...] = ()
    parts: tuple[Part, ...] = ()


class AssistantTurn(msgspec.Struct, frozen=True):
    """The model's side."""

    parts: tuple[Part, ...] = ()
    calls: tuple[Call, ...] = ()
    thinking: tuple[Mapping[str, Any], ...] = ()
    """The records of its thinking that the asked-for provider made (`LlmReply.thinking`)."""


Turn = UserTurn | AssistantTurn


class Conversation(msgspec.Struct, frozen=True):
    """Turns in strict alternation; never without any text at all."""

    system: tuple[str, ...]
    """All system and developer messages, wherever they stood, none of them empty."""
    turns: tuple[Turn, ...]


_BEGINNING: Final = UserTurn(parts=(Text("Begin."),))


def read_conversation(messages: Sequence[Message], *, provider: str) -> Conversation:
    """Read and check the messages for this provider, whose own thinking records are kept.

    Raises `RequestRejectedError` naming the message: broken tool arguments, a result without its
    call or a call without its result, an image that is not one, or nothing left to ask.
    """
    reading = _Reading(provider)
    for position, message in enumerate(messages):
        reading.take(message, f"messages[{position}]")
    return reading.conversation()


def begun_by_user(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """The turns with one of the user's, not empty, at the beginning, where the APIs want it: also
    when there are only instructions, or the history begins with the assistant."""
    if turns and isinstance(turns[0], UserTurn):
        return turns
    return (_BEGINNING, *turns)


class _Reading:
    """Puts a conversation together, message by message."""

    def __init__(self, provider: str) -> None:
        self._provider: Final = provider
        self._system: Final[list[str]] = []
        self._turns: Final[list[Turn]] = []
        self._unanswered: Final[dict[str, str]] = {}
        """The names of the functions whose results have not come yet, by the calls' ids."""

    def take(self, message: Message, where: str) -> None:
        match message["role"]:
            case "system" | "developer":
                self._system.extend(_texts(message.get("content"), where))
            case "assistant":
                self._take_assistant(message, where)
            case "tool":
                self._take_result(message.get("tool_call_id"), message, where)
            case "function":
                self._take_result(id_of_old_call(message.get("name")), message, where)
            case _:
                self._add(UserTurn(parts=read_parts(message.get("content"), where)))

    def conversation(self) -> Conversation:
        if self._unanswered:
            raise RequestRejectedError(f"calls without a result: {', '.join(self._unanswered)}")
        if not self._system and not self._turns:
            raise RequestRejectedError("all messages are empty: there is nothing to ask")
        return Conversation(tuple(self._system), tuple(self._turns))

    def _take_assistant(self, message: Message, where: str) -> None:
        if self._unanswered:
            raise RequestRejectedError(
                f"{where} goes on before the results of {', '.join(self._unanswered)}"
            )
        content = message.get("content") or message.get("refusal")
        calls = tuple(read_calls(message, where))
        turn = AssistantTurn(
            parts=read_parts(content, where),
            calls=calls,
            thinking=_thinking(message.get("thinking"), self._provider),
        )
        self._unanswered.update((call.id, call.name) for call in calls)
        self._add(turn)

    def _take_result(self, call_id: object, message: Message, where: str) -> None:
        name = self._unanswered.pop(call_id, None) if isinstance(call_id, str) else None
        if not isinstance(call_id, str) or name is None:
            raise RequestRejectedError(f"{where} answers no open call: tool_call_id {call_id!r}")
        parts = read_parts(message.get("content"), where)
        self._add(UserTurn(results=(Result(call_id=call_id, name=name, parts=parts),)))

    def _add(self, turn: Turn) -> None:
        before = self._turns[-1] if self._turns else None
        if isinstance(turn, UserTurn):
            if not turn.parts and not turn.results:
                return
            if isinstance(before, UserTurn):
                self._turns.pop()
                turn = UserTurn(before.results + turn.results, before.parts + turn.parts)
        else:
            if not turn.parts and not turn.calls:
                return
            if isinstance(before, AssistantTurn):
                self._turns.pop()
                turn = _merged(before, turn)
        self._turns.append(turn)


def _merged(first: AssistantTurn, second: AssistantTurn) -> AssistantTurn:
    return AssistantTurn(
        first.parts + second.parts, first.calls + second.calls, first.thinking + second.thinking
    )


def _texts(content: object, where: str) -> list[str]:
    parts = read_parts(content, where)
    if not all(isinstance(part, Text) for part in parts):
        raise RequestRejectedError(f"{where}: instructions can only be text")
    return [part.text for part in parts if isinstance(part, Text)]


def _thinking(record: object, provider: str) -> tuple[Mapping[str, Any], ...]:
    """Only the provider that wrote it can read it."""
    known = as_object(record)
    return tuple(known.get("blocks") or ()) if known.get("provider") == provider else ()
