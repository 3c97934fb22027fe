"""How the Stainless-made SDKs (anthropic, openai) are used alike: limits, answers
unparsed, and what leaks through them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import httpx2

from llmbus.worker.llm_abstractions.errors import LlmError, RequestRejectedError
from llmbus.worker.llm_abstractions.http.transport_errors import (
    TRANSPORT_ERRORS,
    error_without_answer,
)
from llmbus.worker.llm_abstractions.redaction import without_secrets

__all__ = ["RawAnswer", "RawStream", "errors_as_ours", "one_request_a_call"]

_StatusError = TypeVar("_StatusError", bound=Exception)

_CONNECTION_LIMITS: Final = httpx2.Limits(max_connections=2_000, keepalive_expiry=5.0)
"""Room for 1,000 calls in flight and as many more. None would not mean unlimited: the SDK's
aiohttp transport then falls back to aiohttp's 100. Idle connections go soon, because writing on
one that the server is closing leaves the outcome unknown."""
_PHASE_LIMITS: Final = httpx2.Timeout(connect=10.0, pool=60.0, write=60.0, read=None)
"""Seconds. Reading has no limit of its own: a model may think for long, and giving up on a call
that is paid for is the caller's decision (`LlmRequest.timeout_seconds`)."""


def one_request_a_call(http_client: Callable[..., httpx2.AsyncClient]) -> dict[str, Any]:
    """What an SDK's client has to be told, so that a call is one request and its limits are ours.
    `http_client` makes the SDK's own kind of it."""
    return {
        "max_retries": 0,  # the bus is the only retry authority
        "timeout": _PHASE_LIMITS,
        # Following a redirect would be a second request after one that may have been billed.
        "http_client": http_client(
            limits=_CONNECTION_LIMITS, timeout=_PHASE_LIMITS, follow_redirects=False
        ),
    }


class RawAnswer:
    """A body with status 200, unparsed: the SDK's parsed form hides what is wrong with an answer.
    It is a `str` for an HTML page and has None for whatever is missing (anthropic 2.12,
    openai 3.54)."""

    def __init__(self, body: bytes, request_id: str | None) -> None:
        self.body: Final = body
        self.request_id: Final = request_id


class RawStream:
    """A stream with status 200: the data of its events."""

    def __init__(self, data: AsyncGenerator[bytes], request_id: str | None) -> None:
        self.data: Final = data
        self.request_id: Final = request_id


@contextmanager
def errors_as_ours(
    root_error: type[Exception],
    status_error: type[_StatusError],
    *,
    answered: Callable[[_StatusError], LlmError],
    api_key: str,
) -> Generator[None]:
    """Where an SDK's exceptions become ours, and those that leak through it raw. `status_error` is
    for an answer that says no, which `answered` reads; `root_error` is what all others derive from.

    Not chained to the original: it holds the request with the key in its headers, and its text
    may repeat the key.
    """
    try:
        yield
    except status_error as error:
        raise answered(error) from None
    except (root_error, *TRANSPORT_ERRORS) as error:
        raise error_without_answer(error, api_key) from None
    except (TypeError, UnicodeEncodeError) as error:  # the request cannot be written as JSON
        raise RequestRejectedError(without_secrets(str(error), api_key)) from None
