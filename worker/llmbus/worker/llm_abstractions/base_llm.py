"""`BaseLlm`: how the worker asks any model, and what it asks with and gets back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, ClassVar, Final, cast

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.errors import RequestRejectedError

__all__ = [
    "BaseLlm",
    "LlmReply",
    "LlmRequest",
    "Message",
    "TaskOrigin",
    "TextDelta",
    "ToolCall",
]

Message = Mapping[str, Any]
"""One message in the OpenAI chat format: `role`, `content` and what belongs to them."""

_ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


class TaskOrigin(msgspec.Struct, frozen=True):
    """Which run of which task asks. For providers of one's own; no part of it is sent out."""

    task_id: str
    attempt: int = 1
    """Counts from 1, and goes on counting when the task moves to another worker."""
    metadata: Mapping[str, Any] = {}
    """The task's own."""


class LlmRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. The messages are read, never changed.

    Raises `RequestRejectedError` when there is no message, or one with a role nobody knows.
    """

    messages: Sequence[Message]
    max_tokens: int | None = None
    """The most tokens to answer with, reasoning included; None leaves it to the provider."""
    temperature: float | None = None
    """Left out where the model does not take one."""
    timeout_seconds: float | None = None
    """For the whole call, from asking to the last byte; None leaves it to the caller."""
    tools: Sequence[Mapping[str, Any]] = ()
    """Functions that the model may call, in the OpenAI chat format."""
    tool_choice: str | Mapping[str, Any] | None = None
    """`auto`, `none`, `required`, or one function; None leaves it to the provider."""
    response_format: Mapping[str, Any] | None = None
    """`{"type": "json_object"}` or a JSON schema, in the OpenAI chat format."""
    stop: Sequence[str] = ()
    """Texts at which the answer ends."""
    options: Mapping[str, Any] = {}
    """Further fields of the provider's API, such as `top_p`; none that has a name here."""
    origin: TaskOrigin | None = None

    def __post_init__(self) -> None:
        if not self.messages:
            raise RequestRejectedError("messages are empty: there is nothing to ask")
        for position, message in enumerate(self.messages):
            if not isinstance(cast(object, message), Mapping):
                raise RequestRejectedError(
                    f"messages[{position}] is a {type(message).__name__}, not a message like"
                    ' {"role": "user", "content": "..."}'
                )
            if message.get("role") not in _ROLES:
                raise RequestRejectedError(
                    f"messages[{position}] has the role {message.get('role')!r}"
                    f" (known: {', '.join(sorted(_ROLES))})"
                )


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the model asks to be called. To go on, the caller sends the assistant's
    message back with the result, in the OpenAI chat format (`LlmReply.as_message`)."""

    id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it: it may be broken."""
    signature: str | None = None
    """What the provider wants back with the call, unread (Gemini's thought signature)."""

    def as_message_part(self) -> dict[str, Any]:
        """The entry of an assistant's message under `tool_calls`."""
        part: dict[str, Any] = {
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        }
        return part if self.signature is None else {**part, "signature": self.signature}


class TextDelta(msgspec.Struct, frozen=True):
    """A piece of an answer that is still being written."""

    text: str


class LlmReply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    text: str
    finish_reason: str
    """`stop`; `length` when the answer was cut at `max_tokens`; `tool_calls` when the model waits
    for the results of its calls; else the provider's word."""
    usage: Usage | None
    """None if the provider did not say."""
    model: str
    """The model that answered, by its full name."""
    provider: str
    request_id: str | None = None
    """The provider's, for asking their support."""
    tool_calls: tuple[ToolCall, ...] = ()
    thinking: tuple[Mapping[str, Any], ...] = ()
    """The provider's own record of its thinking, encrypted or signed. Providers want it back,
    unchanged, along with the tool calls that follow from it."""
    endpoint: str | None = None
    """Which API of the provider answered, such as `responses`."""

    def as_message(self) -> dict[str, Any]:
        """The assistant's message to send back, in the OpenAI chat format; what the format has no
        name for stands under `signature` (of a tool call) and `thinking`, for the same provider."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text or None}
        if self.tool_calls:
            message["tool_calls"] = [call.as_message_part() for call in self.tool_calls]
        if self.thinking:
            message["thinking"] = {"provider": self.provider, "blocks": list(self.thinking)}
        return message


class BaseLlm(ABC):
    """One model of one provider. Cheap to make: connections are shared by all of a provider's
    models on one event loop. Safe for any number of calls at once."""

    provider: ClassVar[str]
    """Whose model it is; an agent type's value for the built-in ones."""

    def __init__(self, model: str) -> None:
        self.model: Final = model

    @abstractmethod
    async def generate(self, request: LlmRequest) -> LlmReply:
        """Ask once: never more than one request to the provider, whatever goes wrong.

        Raises an `LlmError` subclass. Cancelling it drops the connection; the provider may bill
        what it has begun.
        """

    async def stream(self, request: LlmRequest) -> AsyncGenerator[TextDelta | LlmReply]:
        """Ask once, as `generate`, and yield the text as it comes; the last item is the reply, the
        same that `generate` gives. A stream that ends without it raises `OutcomeUnknownError`.

        A provider without streaming yields its text in one piece. Close the generator to stop.
        """
        reply = await self.generate(request)
        if reply.text:
            yield TextDelta(reply.text)
        yield reply

    async def generate_content_async(self, messages: Sequence[Message], **kwargs: Any) -> str:
        """The text of `generate`. `kwargs` are fields of `LlmRequest`, and else further fields
        of the provider's API, such as `top_p`."""
        fields = {name: kwargs.pop(name) for name in _REQUEST_FIELDS if name in kwargs}
        options = {**fields.pop("options", {}), **kwargs}
        request = LlmRequest(messages=messages, options=options, **fields)
        return (await self.generate(request)).text

    async def aclose(self) -> None:  # noqa: B027  a provider without connections has nothing to do
        """Close the connections of the running event loop, also for other models that share
        them, so only when no call is under way. A later call opens new ones."""


_REQUEST_FIELDS: Final = frozenset(LlmRequest.__struct_fields__) - {"messages"}
