"""Messages in the OpenAI chat format as Gemini's contents. Needs no SDK: the names are those of
both SDKs' messages, and data is bytes."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Sequence
from mimetypes import guess_type
from typing import Any, Final, NamedTuple

import msgspec

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.base_llm import Message
from llmbus.worker.llm_abstractions.chat.conversation import (
    AssistantTurn,
    Call,
    Result,
    UserTurn,
    begun_by_user,
    read_conversation,
)
from llmbus.worker.llm_abstractions.chat.parts import LinkedImage, Part, Text
from llmbus.worker.llm_abstractions.profiles.model_profile import ModelProfile

__all__ = ["GeminiContents", "contents_of"]

_ANY_SIGNATURE: Final = b"skip_thought_signature_validator"
"""What Google documents for calls that another model made: Gemini refuses those without a
signature from version 3 on."""
_GO_ON: Final = UserTurn(parts=(Text("Continue."),))


class GeminiContents(NamedTuple):
    """What is asked."""

    system_instruction: dict[str, Any] | None
    contents: list[dict[str, Any]]
    """Beginning with a turn of the user's, and ending with one where the model wants it."""


def contents_of(messages: Sequence[Message], profile: ModelProfile) -> GeminiContents:
    """The messages for a model of this profile. They are read, never changed.

    Raises `RequestRejectedError` naming the message that is wrong (`read_conversation`).
    """
    conversation = read_conversation(messages, provider=AgentType.GOOGLE_GEMINI.value)
    turns = begun_by_user(conversation.turns)
    if isinstance(turns[-1], AssistantTurn) and not profile.prefill:
        turns = (*turns, _GO_ON)
    system = "\n\n".join(conversation.system)
    return GeminiContents(
        system_instruction={"parts": [{"text": system}]} if system else None,
        contents=[
            {"role": "user", "parts": list(_user_parts(turn))}
            if isinstance(turn, UserTurn)
            else {"role": "model", "parts": list(_model_parts(turn, profile))}
            for turn in turns
        ],
    )


def _user_parts(turn: UserTurn) -> Iterator[dict[str, Any]]:
    for result in turn.results:
        yield {
            "function_response": {
                "id": result.call_id,
                "name": result.name,
                "response": _payload(result),
            }
        }
    for result in turn.results:
        yield from (_part(part) for part in result.parts if not isinstance(part, Text))
    yield from map(_part, turn.parts)


def _model_parts(turn: AssistantTurn, profile: ModelProfile) -> Iterator[dict[str, Any]]:
    yield from map(_part, turn.parts)
    signed = any(_signature(call) for call in turn.calls)
    for position, call in enumerate(turn.calls):
        part: dict[str, Any] = {
            "function_call": {"id": call.id, "name": call.name, "args": dict(call.arguments)}
        }
        if signature := _signature(call):
            part["thought_signature"] = signature
        elif profile.thought_signatures and not signed and position == 0:
            part["thought_signature"] = _ANY_SIGNATURE  # of calls made at once, one is signed
        yield part


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, LinkedImage):
        media_type, _ = guess_type(part.url.partition("?")[0])
        known = {"mime_type": media_type} if media_type else {}
        return {"file_data": {"file_uri": part.url, **known}}
    inline = part.inline
    return {"inline_data": {"mime_type": inline.media_type, "data": b64decode(inline.base64)}}


def _payload(result: Result) -> dict[str, Any]:
    """The service takes objects only."""
    try:
        return msgspec.json.decode(result.text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError):
        return {"result": result.text}


def _signature(call: Call) -> bytes | None:
    """None for what is no signature of Gemini's: they are bytes, in base64 of either alphabet."""
    text = (call.signature or "").replace("-", "+").replace("_", "/")
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None
