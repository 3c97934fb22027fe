"""What an HTTP status says of a request, where the vendor says nothing more. Needs no SDK."""

from __future__ import annotations

from typing import Final

from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    ContextTooLongError,
    LlmError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)

__all__ = ["error_type_of_status"]

_ERROR_TYPE_BY_STATUS: Final[dict[int, type[LlmError]]] = {
    401: AccountError,
    402: AccountError,
    403: AccountError,
    408: ProviderUnavailableError,
    409: ProviderUnavailableError,
    413: ContextTooLongError,
    429: RateLimitedError,
}


def error_type_of_status(status: int) -> type[LlmError]:
    """The error for an answer of 400 or more."""
    if status >= 500:
        return ProviderUnavailableError
    return _ERROR_TYPE_BY_STATUS.get(status, RequestRejectedError)
