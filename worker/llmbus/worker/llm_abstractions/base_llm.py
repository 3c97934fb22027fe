"""`BaseLlm`: how the worker asks any model, and what it asks with and gets back."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.errors import CallTimedOutError, RequestRejectedError

__all__ = ["BaseLlm", "LlmReply", "LlmRequest", "Message", "TaskOrigin", "within_time_limit"]

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
    options: Mapping[str, Any] = {}
    """Further fields of the provider's API, such as `response_format`."""
    origin: TaskOrigin | None = None

    def __post_init__(self) -> None:
        if not self.messages:
            raise RequestRejectedError("messages are empty: there is nothing to ask")
        for position, message in enumerate(self.messages):
            if message.get("role") not in _ROLES:
                raise RequestRejectedError(
                    f"messages[{position}] has the role {message.get('role')!r}"
                    f" (known: {', '.join(sorted(_ROLES))})"
                )


class LlmReply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    text: str
    finish_reason: str
    """`stop`, or `length` when the answer was cut at `max_tokens`; else the provider's word."""
    usage: Usage | None
    """None if the provider did not say."""
    model: str
    """The model that answered, by its full name."""
    provider: str
    request_id: str | None = None
    """The provider's, for asking their support."""


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

    async def generate_content_async(self, messages: Sequence[Message], **kwargs: Any) -> str:
        """The text of `generate`. `kwargs` are fields of `LlmRequest`, and else further fields
        of the provider's API, such as `response_format`."""
        fields = {name: kwargs.pop(name) for name in _REQUEST_FIELDS if name in kwargs}
        options = {**fields.pop("options", {}), **kwargs}
        request = LlmRequest(messages=messages, options=options, **fields)
        return (await self.generate(request)).text

    async def aclose(self) -> None:  # noqa: B027  a provider without connections has nothing to do
        """Close the connections of the running event loop, also for other models that share
        them, so only when no call is under way. A later call opens new ones."""


_REQUEST_FIELDS: Final = frozenset(LlmRequest.__struct_fields__) - {"messages"}


@asynccontextmanager
async def within_time_limit(request: LlmRequest) -> AsyncGenerator[None]:
    """Cut the block at the request's `timeout_seconds` by a `CallTimedOutError`.

    SDK timeouts count per read, so a dripping answer outlives them; this one is total.
    """
    limit = asyncio.timeout(request.timeout_seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise CallTimedOutError(
            f"no complete answer within {request.timeout_seconds} s; it may have been billed",
            sent=True,
        ) from None
