"""What Anthropic's Messages API refuses about the messages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from llmbus.worker.llm_abstractions.profiles import ModelProfile
from llmbus.worker.provider_simulator.api_error import refuse
from llmbus.worker.provider_simulator.fields import as_list, as_object, is_object, refuse_others

__all__ = ["check_messages"]

_BLOCK_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"text", "citations"}),
    "image": frozenset({"source"}),
    "document": frozenset({"source", "title", "context", "citations"}),
    "thinking": frozenset({"thinking", "signature"}),
    "redacted_thinking": frozenset({"data"}),
    "tool_use": frozenset({"id", "name", "input", "caller"}),
    "tool_result": frozenset({"tool_use_id", "content", "is_error"}),
}
_IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})


def check_messages(body: Mapping[str, Any], profile: ModelProfile) -> None:
    """The messages and the system prompt."""
    system = body.get("system")
    if isinstance(system, list):
        _check_blocks(body["system"], "system", {"text"})
    messages = [as_object(one, "messages") for one in as_list(body.get("messages"), "messages")]
    if not messages:
        refuse("messages: at least one message is required", param="messages")
    for position, message in enumerate(messages):
        _check_message(message, f"messages.{position}", is_last=message is messages[-1])
    if messages[0]["role"] != "user":
        refuse('messages: first message must use the "user" role')
    _check_pairs(messages)
    if messages[-1]["role"] == "assistant":
        _check_prefill(messages[-1], profile)


def _check_message(message: Mapping[str, Any], where: str, *, is_last: bool) -> None:
    known = {"role", "content"}
    refuse_others(message, known, lambda name: f"{where}.{name}: Extra inputs are not permitted")
    if message.get("role") not in {"user", "assistant"}:
        refuse(
            f"messages: Unexpected role {message.get('role')!r}. The Messages API accepts a"
            " top-level `system` parameter, not a message with that role."
        )
    content = message.get("content")
    if not content and not (is_last and message["role"] == "assistant"):
        refuse(f"{where}: all messages must have non-empty content")
    if not isinstance(content, str):
        _check_blocks(content, f"{where}.content", _BLOCK_FIELDS.keys())


def _check_blocks(blocks: object, where: str, allowed: Any) -> None:
    for position, block in enumerate(as_list(blocks, where)):
        here = f"{where}.{position}"
        kind = str(as_object(block, here).get("type"))
        if kind not in allowed:
            refuse(f"{here}: Input tag {kind!r} does not match any of the expected tags")
        known = _BLOCK_FIELDS[kind] | {"type", "cache_control"}
        refuse_others(
            block,
            known,
            lambda name: f"{here}.{name}: Extra inputs are not permitted",  # noqa: B023
        )
        _check_block(block, here)


def _check_block(block: Mapping[str, Any], where: str) -> None:
    match block["type"]:
        case "text" if not block.get("text"):
            refuse("messages: text content blocks must be non-empty")
        case "text" if not block["text"].strip():
            refuse("messages: text content blocks must contain non-whitespace text")
        case "tool_use" if not is_object(block.get("input")):
            refuse(f"{where}.tool_use.input: Input should be a valid dictionary")
        case "image":
            _check_image(as_object(block.get("source"), f"{where}.source"), where)
        case "tool_result" if isinstance(block.get("content"), list):
            _check_blocks(block["content"], f"{where}.content", {"text", "image", "document"})
        case _:
            pass


def _check_image(source: Mapping[str, Any], where: str) -> None:
    if source.get("type") == "url":
        if not str(source.get("url", "")).startswith(("https://", "http://")):
            refuse(f"{where}.source.url: only HTTP and HTTPS addresses are supported")
        return
    if source.get("type") != "base64":
        refuse(f"{where}.source: Input tag {source.get('type')!r} does not match")
    if source.get("media_type") not in _IMAGES:
        refuse(f"{where}.source.base64.media_type: Input should be one of {sorted(_IMAGES)}")
    try:
        base64.b64decode(str(source.get("data")), validate=True)
    except binascii.Error:
        refuse(f"{where}.source.base64: invalid base64 data")


def _check_pairs(messages: Sequence[Mapping[str, Any]]) -> None:
    """Every call is answered at once: in the next message, before anything else there."""
    for position, (before, after) in enumerate(pairwise([{}, *messages, {}])):
        called = [block["id"] for block in _blocks(before, "tool_use")]
        answered = [block.get("tool_use_id") for block in _blocks(after, "tool_result")]
        first = [block.get("type") for block in _all_blocks(after)][: len(answered)]
        missing = [one for one in called if one not in answered]
        if missing or any(kind != "tool_result" for kind in first):
            refuse(
                f"messages.{position - 1}: `tool_use` ids were found without `tool_result` blocks"
                f" immediately after: {', '.join(missing)}. Each `tool_use` block must have a"
                " corresponding `tool_result` block in the next message."
            )
        if unknown := [one for one in answered if one not in called]:
            refuse(
                f"messages.{position}: unexpected `tool_use_id` found in `tool_result` blocks:"
                f" {unknown[0]}. Each `tool_result` block must have a corresponding `tool_use`"
                " block in the previous message."
            )


def _all_blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []  # pyright: ignore[reportUnknownVariableType]


def _blocks(message: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [block for block in _all_blocks(message) if block.get("type") == kind]


def _check_prefill(message: Mapping[str, Any], profile: ModelProfile) -> None:
    if not profile.prefill:
        refuse(
            "This model does not support assistant message prefill. The conversation must end"
            " with a user message."
        )
    content = message["content"]
    text = content if isinstance(content, str) else content[-1].get("text", "") if content else ""
    if text != text.rstrip():
        refuse("messages: final assistant content cannot end with trailing whitespace")
