"""Checks messages that a provider takes in the chat format itself, before they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from llmbus.worker.llm_abstractions.base_llm import Message
from llmbus.worker.llm_abstractions.chat.calls import read_calls
from llmbus.worker.llm_abstractions.chat.parts import read_parts
from llmbus.worker.llm_abstractions.errors import RequestRejectedError

__all__ = ["check_messages"]

_CHECKED_PARTS: Final = frozenset({"text", "refusal", "image_url", "input_audio"})
"""Others are the server's to judge: it may know more than we do, such as the id of a file."""
_ALSO_CONTENT: Final = ("tool_calls", "function_call", "refusal", "tool_call_id")


def check_messages(messages: Sequence[Message]) -> None:
    """Raises `RequestRejectedError` naming the message: an image or sound that is none, a call with
    broken arguments, a result that answers no call, or nothing to ask."""
    anything = False
    for position, message in enumerate(messages):
        where = f"messages[{position}]"
        if message["role"] == "tool" and not message.get("tool_call_id"):
            raise RequestRejectedError(f"{where} has no tool_call_id: which call does it answer?")
        if message["role"] == "assistant":
            read_calls(message, where)
        says_something = _says_something(message.get("content"), where)
        anything = anything or says_something or any(map(message.get, _ALSO_CONTENT))
    if not anything:
        raise RequestRejectedError("all messages are empty: there is nothing to ask")


def _says_something(content: object, where: str) -> bool:
    if isinstance(content, Sequence) and not isinstance(content, str | bytes):
        parts = cast("Sequence[object]", content)
        known = [part for part in parts if _kind(part) in _CHECKED_PARTS]
        return bool(read_parts(known, where)) or len(known) < len(parts)
    # What is no content at all fails when it is written.
    return bool(content.strip()) if isinstance(content, str) else content is not None


def _kind(part: object) -> object:
    return cast("Mapping[str, object]", part).get("type") if isinstance(part, Mapping) else "text"
