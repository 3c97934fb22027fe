"""The function calls in an assistant's message of the OpenAI chat format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from llmbus.worker.llm_abstractions.base_llm import Message
from llmbus.worker.llm_abstractions.chat.parts import as_object
from llmbus.worker.llm_abstractions.errors import RequestRejectedError

__all__ = ["Call", "id_of_old_call", "read_calls"]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the model wanted called."""

    id: str
    name: str
    arguments: Mapping[str, Any]
    signature: str | None = None
    """See `ToolCall.signature`."""


def read_calls(message: Message, where: str) -> list[Call]:
    """All calls of the message, also the one in the old form (`function_call`).

    Raises `RequestRejectedError` for a call without id or name, or with broken arguments.
    """
    calls = [
        _call(raw.get("id"), raw.get("function"), raw.get("signature"), where)
        for raw in _objects(message.get("tool_calls"), where)
    ]
    if old := as_object(message.get("function_call")):
        calls.append(_call(id_of_old_call(old.get("name")), old, None, where))
    return calls


def _call(call_id: object, function: object, signature: object, where: str) -> Call:
    known = as_object(function)
    name = known.get("name")
    if not (isinstance(call_id, str) and call_id and isinstance(name, str) and name):
        raise RequestRejectedError(f"{where} has a tool call without id or name")
    return Call(
        id=call_id,
        name=name,
        arguments=_arguments(known.get("arguments"), f"{where}, call of {name}"),
        signature=signature if isinstance(signature, str) else None,
    )


def _arguments(raw: object, where: str) -> Mapping[str, Any]:
    """Models leave the text empty when there are none."""
    if isinstance(raw, Mapping):
        return as_object(cast("object", raw))
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return {}
    try:
        return msgspec.json.decode(cast("str", raw), type=dict[str, Any])
    except (msgspec.MsgspecError, TypeError, UnicodeError) as error:
        raise RequestRejectedError(f"{where}: its arguments are no JSON object ({error})") from None


def _objects(raw: object, where: str) -> list[dict[str, Any]]:
    try:
        return msgspec.convert(raw or [], list[dict[str, Any]])
    except msgspec.ValidationError:
        raise RequestRejectedError(f"{where}: tool_calls is no list of objects") from None


def id_of_old_call(name: object) -> str | None:
    """The id to use: calls in the old form have none, and never come two at a time."""
    return f"call_{name}" if isinstance(name, str) and name else None
