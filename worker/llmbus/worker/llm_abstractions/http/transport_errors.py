"""What a broken transport says about the request: was it sent, and may it have been billed?

For providers whose SDK speaks HTTP by aiohttp or httpx2. The SDKs' own classes do not tell: their
aiohttp transport reports a server that hung up in the middle of a call as `httpx2.ConnectTimeout`
(openai 3.54, anthropic 2.12).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import aiohttp
import httpx2

from llmbus.worker.llm_abstractions.errors import (
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.redaction import without_secrets

__all__ = ["TRANSPORT_ERRORS", "error_without_answer"]

TRANSPORT_ERRORS: Final = (
    httpx2.HTTPError,
    httpx2.StreamError,
    httpx2.InvalidURL,
    aiohttp.ClientError,
    OSError,
)
"""What the transports raise; `TimeoutError` is an `OSError`, and so is `ssl.SSLError`."""
_NEVER_CONNECTED: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,  # the proxy's answer to CONNECT
)
_NO_ADDRESS: Final = (
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    httpx2.InvalidURL,
    httpx2.UnsupportedProtocol,
)


def error_without_answer(error: BaseException, *secrets: str | None) -> LlmError:
    """Our error for an exception without an answer, judged by its causes.

    `RequestRejectedError` for an address that is none, `ProviderUnavailableError` if no connection
    came about, else `OutcomeUnknownError`: what cannot be told apart may have been billed.
    """
    causes = list(_with_causes(error))
    text = without_secrets(f"{type(causes[-1]).__name__}: {causes[-1]}", *secrets)
    if any(isinstance(cause, _NO_ADDRESS) for cause in causes):
        return RequestRejectedError(f"the API address cannot be used: {text}")
    if any(isinstance(cause, _NEVER_CONNECTED) for cause in causes):
        return ProviderUnavailableError(f"no connection, nothing was sent: {text}")
    return OutcomeUnknownError(f"sent, but no answer came back: {text}", sent=True)


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Explicit causes only: the context may hold an error of someone else's, handled before."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
