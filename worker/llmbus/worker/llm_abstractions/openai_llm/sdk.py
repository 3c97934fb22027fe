"""The official OpenAI SDK: its client, its calls and its exceptions. The only module that imports
it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Final

import openai

from llmbus.worker.llm_abstractions.errors import LlmError
from llmbus.worker.llm_abstractions.http.retry_after import retry_after_seconds
from llmbus.worker.llm_abstractions.http.server_sent_events import event_data
from llmbus.worker.llm_abstractions.http.stainless import (
    RawAnswer,
    RawStream,
    errors_as_ours,
    one_request_a_call,
)
from llmbus.worker.llm_abstractions.openai_llm.errors import error_type_of_answer
from llmbus.worker.llm_abstractions.profiles import Endpoint
from llmbus.worker.llm_abstractions.redaction import without_secrets

__all__ = ["RawAnswer", "RawStream", "open_client", "post", "post_for_events", "sdk_errors_as_ours"]

# What the SDK imports at its first call, 100 ms on the event loop. Here it happens in the thread of
# `LlmFactory.load`.
for _module in (
    "httpcore2",
    "openai.resources.chat.completions.completions",
    "openai.resources.responses.responses",
):
    import_module(_module)

_NO_KEY: Final = "no-key"
"""The SDK insists on one, and takes OpenAI's from the environment if it gets none."""


def open_client(api_key: str, base_url: str | None) -> openai.AsyncOpenAI:
    """A client with a connection pool of its own. With an empty key it sends no key at all, above
    all not what the environment has for OpenAI."""
    return openai.AsyncOpenAI(
        api_key=api_key or _NO_KEY,
        base_url=base_url,
        **one_request_a_call(openai.DefaultAioHttpClient),
    )


async def post(
    client: openai.AsyncOpenAI, endpoint: Endpoint, body: Mapping[str, Any]
) -> RawAnswer:
    """One request, and the whole body of its answer."""
    headers = _headers(client)
    if endpoint is Endpoint.CHAT:
        rest = dict(body)
        raw = await client.chat.completions.with_raw_response.create(
            model=rest.pop("model"),
            messages=rest.pop("messages"),
            extra_body=rest,
            extra_headers=headers,
        )
        answer = raw.http_response
    else:
        responses = client.responses.with_raw_response
        answer = (await responses.create(extra_body=body, extra_headers=headers)).http_response
    return RawAnswer(answer.content, answer.headers.get("x-request-id"))


@asynccontextmanager
async def post_for_events(
    client: openai.AsyncOpenAI, endpoint: Endpoint, body: Mapping[str, Any]
) -> AsyncGenerator[RawStream]:
    """One request, and the events of its answer for as long as the block runs."""
    headers = _headers(client)
    opening: Any
    if endpoint is Endpoint.CHAT:
        rest = dict(body)
        opening = client.chat.completions.with_streaming_response.create(
            model=rest.pop("model"),
            messages=rest.pop("messages"),
            extra_body=rest,
            extra_headers=headers,
            stream=True,
        )
    else:
        opening = client.responses.with_streaming_response.create(
            extra_body=body, extra_headers=headers, stream=True
        )
    async with opening as answer:
        yield RawStream(event_data(answer.iter_bytes()), answer.headers.get("x-request-id"))


def _headers(client: openai.AsyncOpenAI) -> dict[str, str | openai.Omit]:
    if client.api_key != _NO_KEY:
        return {}
    left_out = ("Authorization", "OpenAI-Organization", "OpenAI-Project")
    return dict.fromkeys(left_out, openai.Omit())


def sdk_errors_as_ours(api_key: str) -> AbstractContextManager[None]:
    """Where the SDK's exceptions become ours, and those that leak through it raw."""
    return errors_as_ours(
        openai.OpenAIError,
        openai.APIStatusError,
        answered=lambda error: _answered(error, api_key),
        api_key=api_key,
    )


def _answered(error: openai.APIStatusError, api_key: str) -> LlmError:
    return error_type_of_answer(error.status_code, error.code, error.type)(
        without_secrets(error.message, api_key),
        status=error.status_code,
        provider_code=error.code or error.type,
        request_id=error.request_id,
        retry_after_seconds=retry_after_seconds(error.response.headers, datetime.now(UTC)),
        sent=True,
    )
