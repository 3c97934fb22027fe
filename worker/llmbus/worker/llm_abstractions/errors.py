"""Every way in which asking a model can fail, sorted by what the caller should do.

LlmError (LlmbusError)              a defect of ours or of a custom provider: read the text
├── ProviderUnusableError           not in this worker: hand the task to the fallback
│   ├── UnsupportedAgentTypeError (ValueError)    nobody here speaks for this agent type
│   ├── MissingDependenciesError (ImportError)    install the extra that the text names
│   ├── MissingApiKeyError (RuntimeError)         set the environment variable it names
│   └── MissingEndpointError (RuntimeError)       likewise, for a server of one's own
├── RateLimitedError                wait, then ask again; nothing was paid
├── ProviderUnavailableError        wait, then ask again; nothing was paid
├── OutcomeUnknownError             do not ask again by yourself: the call may have been billed
│   └── CallTimedOutError           likewise; it took longer than the request allowed
├── ContextTooLongError             shorten the prompt or take a larger model
├── RequestRejectedError            fix the request
├── AnswerRefusedError              the model or a filter declined; asking again will not help
└── AccountError                    fix the key, the quota or the payment

Only an error for which paying again is safe is `retryable`: the provider answered "no", or the
request provably never left. Errors hold plain fields, so they survive pickling, and never the
SDK's request or response, which carry the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from llmbus.shared import Failure, FailureKind, Usage
from llmbus.shared.errors import LlmbusError
from llmbus.worker.llm_abstractions.redaction import without_secrets

__all__ = [
    "CALL_ERRORS",
    "AccountError",
    "AnswerRefusedError",
    "CallTimedOutError",
    "ContextTooLongError",
    "LlmError",
    "MissingApiKeyError",
    "MissingDependenciesError",
    "MissingEndpointError",
    "OutcomeUnknownError",
    "ProviderUnavailableError",
    "ProviderUnusableError",
    "RateLimitedError",
    "RequestRejectedError",
    "UnsupportedAgentTypeError",
]

_LONGEST_MESSAGE: Final = 1_000


class LlmError(LlmbusError):
    """The root of what asking a model can raise.

    `status` is the HTTP status, `provider_code` the provider's own word, `sent` whether the
    request may have reached the provider, `usage` what was paid all the same where it is known.
    """

    kind: ClassVar[FailureKind] = FailureKind.INTERNAL
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        provider_code: str | None = None,
        request_id: str | None = None,
        retry_after_seconds: float | None = None,
        sent: bool = False,
        usage: Usage | None = None,
    ) -> None:
        self.message = without_secrets(message)[:_LONGEST_MESSAGE]
        super().__init__(self.message)
        self.status = status
        self.provider_code = None if provider_code is None else without_secrets(provider_code)
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds
        self.sent = sent
        self.usage = usage

    def to_failure(self) -> Failure:
        """The same in the form that travels in a result."""
        return Failure(
            kind=self.kind,
            message=self.message,
            retryable=self.retryable,
            provider_code=self.provider_code,
            retry_after_seconds=self.retry_after_seconds,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {
            "status": self.status,
            "provider_code": self.provider_code,
            "request_id": self.request_id,
            "retry_after_seconds": self.retry_after_seconds,
            "sent": self.sent,
            "usage": self.usage,
        }
        return _rebuild, (type(self), self.message, fields)


def _rebuild(error_type: type[LlmError], message: str, fields: Mapping[str, Any]) -> LlmError:
    return error_type(message, **fields)


class ProviderUnusableError(LlmError):
    """This worker cannot ask this provider; another one, or the fallback, may."""


class UnsupportedAgentTypeError(ProviderUnusableError, ValueError):
    """There is no provider for this agent type; the text lists those there are."""

    kind = FailureKind.UNKNOWN_AGENT


class MissingDependenciesError(ProviderUnusableError, ImportError):
    """The provider's SDK is not installed; the text names the extra that brings it."""

    kind = FailureKind.MISSING_DEPENDENCIES


class MissingApiKeyError(ProviderUnusableError, RuntimeError):
    """No key was given; the text names the environment variable that should hold it."""

    kind = FailureKind.MISSING_API_KEY


class MissingEndpointError(ProviderUnusableError, RuntimeError):
    """No address is configured for a server of one's own; the text names the variable to set."""

    kind = FailureKind.MISSING_API_KEY


class RateLimitedError(LlmError):
    """The provider asked us to slow down; `retry_after_seconds` says for how long, if it did."""

    kind = FailureKind.RATE_LIMITED
    retryable = True


class ProviderUnavailableError(LlmError):
    """The provider answered that it cannot serve now, or was never reached."""

    kind = FailureKind.UNAVAILABLE
    retryable = True


class OutcomeUnknownError(LlmError):
    """The request went out and no usable answer came back, so it may have been billed."""

    kind = FailureKind.OUTCOME_UNKNOWN


class CallTimedOutError(OutcomeUnknownError):
    """The call took longer than `LlmRequest.timeout_seconds`."""

    kind = FailureKind.TIMEOUT


class ContextTooLongError(LlmError):
    """The prompt does not fit into the model's context."""

    kind = FailureKind.CONTEXT_TOO_LONG


class RequestRejectedError(LlmError):
    """The request is wrong: by the provider's word, or found so before it was sent."""

    kind = FailureKind.REJECTED


class AnswerRefusedError(LlmError):
    """The model refused, or a content filter withheld the answer."""

    kind = FailureKind.REFUSED


class AccountError(LlmError):
    """The key is not valid, may not use this, or the quota or the money is used up."""

    kind = FailureKind.ACCOUNT


CALL_ERRORS: Final[Mapping[FailureKind, type[LlmError]]] = {
    error_type.kind: error_type
    for error_type in (
        LlmError,
        RateLimitedError,
        ProviderUnavailableError,
        OutcomeUnknownError,
        CallTimedOutError,
        ContextTooLongError,
        RequestRejectedError,
        AnswerRefusedError,
        AccountError,
    )
}
"""What a call can raise, by kind."""
