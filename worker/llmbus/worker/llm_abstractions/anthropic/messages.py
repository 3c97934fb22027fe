"""A conversation as the Messages API wants it. Needs no SDK."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any, Final

from llmbus.worker.llm_abstractions.chat.conversation import AssistantTurn, Result, Turn, UserTurn
from llmbus.worker.llm_abstractions.chat.parts import File, InlineImage, LinkedImage, Part, Text
from llmbus.worker.llm_abstractions.errors import RequestRejectedError

__all__ = ["Block", "message_params"]

Block = dict[str, Any]

_NOT_IN_AN_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")
"""The API takes ids by this pattern only; other providers' may hold more."""


def message_params(turns: Sequence[Turn]) -> list[Block]:
    """The `messages` of a request: blocks only, and no field but those the API knows.

    Raises `RequestRejectedError` for what Claude does not take: sound, and files that are neither
    PDF nor text.
    """
    return [_message(turn) for turn in turns]


def _message(turn: Turn) -> Block:
    if isinstance(turn, UserTurn):
        results = [_result(result) for result in turn.results]
        return {"role": "user", "content": results + [_block(part) for part in turn.parts]}
    return {"role": "assistant", "content": _assistant_blocks(turn)}


def _assistant_blocks(turn: AssistantTurn) -> list[Block]:
    """Its thinking has to come first, as it was."""
    calls = [
        {
            "type": "tool_use",
            "id": _id(call.id),
            "name": call.name,
            "input": dict(call.arguments),
        }
        for call in turn.calls
    ]
    if not all(isinstance(part, Text) for part in turn.parts):
        raise RequestRejectedError("the assistant's messages can only hold text")
    return [
        *(dict(block) for block in turn.thinking),
        *(_block(part) for part in turn.parts),
        *calls,
    ]


def _result(result: Result) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": _id(result.call_id)}
    if result.parts:
        block["content"] = [_block(part) for part in result.parts]
    return block


def _id(foreign: str) -> str:
    return _NOT_IN_AN_ID.sub("_", foreign)


def _block(part: Part) -> Block:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case InlineImage(inline):
            source = {"media_type": inline.media_type, "data": inline.base64}
            return {"type": "image", "source": {"type": "base64", **source}}
        case LinkedImage(url):
            return {"type": "image", "source": {"type": "url", "url": url}}
        case File():
            return _document(part)
        case _:
            raise RequestRejectedError("Claude takes no sound (input_audio)")


def _document(file: File) -> Block:
    media_type = file.inline.media_type
    if media_type == "application/pdf":
        source = {"type": "base64", "media_type": media_type, "data": file.inline.base64}
    elif media_type.startswith("text/"):
        text = base64.b64decode(file.inline.base64).decode(errors="replace")
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        raise RequestRejectedError(f"Claude takes PDF and text files, not {media_type}")
    document: Block = {"type": "document", "source": source}
    return document | {"title": file.name} if file.name else document
