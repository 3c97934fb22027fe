"""The official Anthropic SDK: its client, its calls and its exceptions. The only module that
imports it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, aclosing, asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Final, cast

import anthropic
import httpx2

from llmbus.worker.llm_abstractions.anthropic.errors import error_type_of_answer
from llmbus.worker.llm_abstractions.errors import LlmError
from llmbus.worker.llm_abstractions.http.retry_after import retry_after_seconds
from llmbus.worker.llm_abstractions.http.server_sent_events import event_data
from llmbus.worker.llm_abstractions.http.stainless import (
    RawAnswer,
    RawStream,
    errors_as_ours,
    one_request_a_call,
)
from llmbus.worker.llm_abstractions.redaction import without_secrets

__all__ = ["RawAnswer", "RawStream", "open_client", "post", "post_for_events", "sdk_errors_as_ours"]

# What the SDK imports at its first call. Here it happens in the thread of `LlmFactory.load`.
for _module in ("httpcore2", "anthropic.types.shared.error_details"):
    import_module(_module)

_PATH: Final = "/v1/messages"


def open_client(api_key: str, base_url: str | None) -> anthropic.AsyncAnthropic:
    """A client with a connection pool of its own."""
    return anthropic.AsyncAnthropic(
        api_key=api_key,
        base_url=base_url,
        **one_request_a_call(anthropic.DefaultAioHttpClient),
    )


async def post(
    client: anthropic.AsyncAnthropic, body: Mapping[str, Any], api_version: str | None
) -> RawAnswer:
    """One request, and the whole body of its answer. `api_version` of None is the SDK's own.

    Not by `messages.create`: it warns of retiring models by `warnings`, which we do by the
    profiles, and has no parameter for sampling.
    """
    answer = await client.post(
        _PATH, cast_to=httpx2.Response, body=body, options=_options(api_version)
    )
    return RawAnswer(answer.content, answer.headers.get("request-id"))


@asynccontextmanager
async def post_for_events(
    client: anthropic.AsyncAnthropic, body: Mapping[str, Any], api_version: str | None
) -> AsyncGenerator[RawStream]:
    """One request, and the events of its answer for as long as the block runs."""
    answer = await client.post(
        _PATH,
        cast_to=httpx2.Response,
        body={**body, "stream": True},
        options=_options(api_version),
        stream=True,
        stream_cls=cast("type[anthropic.AsyncStream[Any]]", anthropic.AsyncStream),
    )
    response = cast("httpx2.Response", answer)
    try:
        async with aclosing(event_data(response.aiter_bytes())) as data:
            yield RawStream(data, response.headers.get("request-id"))
    finally:
        await response.aclose()


def sdk_errors_as_ours(api_key: str) -> AbstractContextManager[None]:
    """Where the SDK's exceptions become ours, and those that leak through it raw."""
    return errors_as_ours(
        anthropic.AnthropicError,
        anthropic.APIStatusError,
        answered=lambda error: _answered(error, api_key),
        api_key=api_key,
    )


def _options(api_version: str | None) -> Any:
    return {"headers": {"anthropic-version": api_version}} if api_version else {}


def _answered(error: anthropic.APIStatusError, api_key: str) -> LlmError:
    text = error.api_message or error.message
    return error_type_of_answer(error.status_code, error.error_code, text)(
        without_secrets(text, api_key),
        status=error.status_code,
        provider_code=error.error_code or error.type,
        request_id=error.request_id,
        retry_after_seconds=retry_after_seconds(error.response.headers, datetime.now(UTC)),
        sent=True,
    )
