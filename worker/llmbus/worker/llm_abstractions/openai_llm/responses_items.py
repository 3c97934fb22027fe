"""Messages in the OpenAI chat format as items of the Responses API, which speaks another dialect:
calls and their results stand beside the messages, and a part says who wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.base_llm import Message
from llmbus.worker.llm_abstractions.errors import RequestRejectedError

__all__ = ["input_items"]

Item = dict[str, Any]
_Name = Annotated[str, msgspec.Meta(min_length=1)]


class _Function(msgspec.Struct):
    name: _Name
    arguments: str | None = None


class _Call(msgspec.Struct):
    id: _Name
    function: _Function


class _Thinking(msgspec.Struct):
    provider: str = ""
    blocks: list[Item] = []


class _Image(msgspec.Struct):
    url: str
    detail: str | None = None


class _Part(msgspec.Struct):
    type: str
    text: str | None = None
    image_url: _Image | str | None = None
    file: Item | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    function_call: _Function | None = None
    """The older form of a call, as is the role `function`: without id, one at a time."""
    name: str | None = None
    thinking: _Thinking | None = None


def input_items(messages: Sequence[Message]) -> list[Item]:
    """The `input` of a request. Empty messages are dropped.

    Raises `RequestRejectedError` naming the message that is malformed, or that holds what the API
    has no form for (sound).
    """
    return [
        item
        for position, message in enumerate(messages)
        for item in _items(message, f"messages[{position}]")
    ]


def _items(raw: Message, where: str) -> Iterator[Item]:
    try:
        message = msgspec.convert(raw, _Message)
    except msgspec.ValidationError as error:
        raise RequestRejectedError(f"{where}: {error}") from None
    if message.role == "assistant":
        yield from _assistant(message)
    elif message.role == "tool":
        yield _result(message.tool_call_id, message)
    elif message.role == "function":
        yield _result(_id_of_old_call(message.name), message)
    elif content := list(_content(message.content, where)):
        yield {"type": "message", "role": message.role, "content": content}


def _assistant(message: _Message) -> Iterator[Item]:
    if message.thinking and message.thinking.provider == AgentType.OPENAI_GPT:
        yield from message.thinking.blocks
    if text := _text(message.content) or message.refusal:
        part = {"type": "output_text", "text": text}
        yield {"type": "message", "role": "assistant", "content": [part]}
    for call in message.tool_calls or ():
        yield _call(call.id, call.function)
    if message.function_call:
        yield _call(_id_of_old_call(message.function_call.name), message.function_call)


def _call(call_id: str, function: _Function) -> Item:
    return {
        "type": "function_call",
        "call_id": call_id,
        "name": function.name,
        "arguments": function.arguments or "{}",
    }


def _result(call_id: str | None, message: _Message) -> Item:
    output = _text(message.content)
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def _id_of_old_call(name: str | None) -> str:
    return f"call_{name}"


def _text(content: str | list[_Part] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.text or "" for part in content)


def _content(content: str | list[_Part] | None, where: str) -> Iterator[Item]:
    parts = [_Part("text", content)] if isinstance(content, str) else content or ()
    for part in parts:
        match part:
            case _Part(type="text"):
                if part.text:
                    yield {"type": "input_text", "text": part.text}
            case _Part(type="image_url", image_url=_Image(url=url, detail=detail)):
                yield {"type": "input_image", "image_url": url, "detail": detail or "auto"}
            case _Part(type="image_url", image_url=str(url)):
                yield {"type": "input_image", "image_url": url, "detail": "auto"}
            case _Part(type="file", file=dict(file)):
                yield {"type": "input_file", **file}
            case _:
                raise RequestRejectedError(
                    f"{where} holds a part of type {part.type!r}, for which the Responses API has"
                    " no form"
                )
