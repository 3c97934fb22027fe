"""Every exception of the SDK, and of the transport beneath it, becomes one of ours.

The SDK's and aiohttp's classes are enumerated: a release that brings a new one fails here until
somebody has said what it means.
"""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, cast

import aiohttp
import httpx2
import openai
import pytest

from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.openai_llm.sdk import sdk_errors_as_ours

KEY = "hunter2-has-no-usual-shape"
REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1", headers={"authorization": f"Bearer {KEY}"})

ANSWERED: dict[str, tuple[int, type[LlmError]]] = {
    "APIStatusError": (418, RequestRejectedError),
    "BadRequestError": (400, RequestRejectedError),
    "AuthenticationError": (401, AccountError),
    "OAuthError": (401, AccountError),
    "PermissionDeniedError": (403, AccountError),
    "NotFoundError": (404, RequestRejectedError),
    "ConflictError": (409, ProviderUnavailableError),
    "UnprocessableEntityError": (422, RequestRejectedError),
    "RateLimitError": (429, RateLimitedError),
    "InternalServerError": (500, ProviderUnavailableError),
}
UNANSWERED: dict[str, dict[str, Any]] = {
    "OpenAIError": {},
    "APIError": {"message": "m", "request": REQUEST, "body": None},
    "APIConnectionError": {"request": REQUEST},
    "APITimeoutError": {"request": REQUEST},
    "APIResponseValidationError": {"response": httpx2.Response(200, request=REQUEST), "body": None},
}
NOT_BY_CHAT_COMPLETIONS = {
    "ContentFilterFinishReasonError",  # the `parse` helpers
    "LengthFinishReasonError",
    "InvalidWebhookSignatureError",
    "SubjectTokenProviderError",  # workload identity: we pass a key
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
}
NEVER_SENT = {
    "ClientHttpProxyError",  # only for the proxy's answer to CONNECT
    "ClientConnectorCertificateError",
    "ClientConnectorDNSError",
    "ClientConnectorError",
    "ClientConnectorSSLError",
    "ClientProxyConnectionError",
    "ClientSSLError",
    "ConnectionTimeoutError",
    "InvalidURL",
    "InvalidUrlClientError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlClientError",
    "NonHttpUrlRedirectClientError",
    "UnixClientConnectorError",
}


def exceptions_in(module: ModuleType) -> Iterator[type[Exception]]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Exception):
            yield value


def crossed(error: Exception) -> LlmError:
    with pytest.raises(LlmError) as caught, sdk_errors_as_ours(KEY):
        raise error
    return caught.value


def stand_in(error_type: type[Exception]) -> Exception:
    """An instance, whatever the constructor asks for."""

    def ask_for_nothing(_self: object) -> None: ...

    def say_little(_self: object) -> str:
        return "made"

    methods: dict[str, Any] = {"__init__": ask_for_nothing, "__str__": say_little}
    return cast(Exception, type(error_type.__name__, (error_type,), methods)())


def test_every_exception_of_the_sdk_is_known() -> None:
    defined = {error.__name__ for error in exceptions_in(import_module("openai._exceptions"))}
    names = cast("list[str]", vars(openai)["__all__"])
    exported = {name for name in names if name.endswith(("Error", "Exception"))}
    assert defined | exported == ANSWERED.keys() | UNANSWERED.keys() | NOT_BY_CHAT_COMPLETIONS


@pytest.mark.parametrize("name", ANSWERED)
def test_answer_with_a_status_becomes_ours(name: str) -> None:
    status, expected = ANSWERED[name]
    response = httpx2.Response(
        status, request=REQUEST, headers={"x-request-id": "req-9", "retry-after": "4"}
    )
    body = {"message": f"no: {KEY}", "code": "some_code"}
    message = {} if name == "OAuthError" else {"message": f"no: {KEY}"}
    error = crossed(getattr(openai, name)(response=response, body=body, **message))
    assert type(error) is expected
    assert (error.status, error.provider_code, error.request_id) == (status, "some_code", "req-9")
    assert (error.retry_after_seconds, error.sent) == (4.0, True)
    assert KEY not in str(error)


@pytest.mark.parametrize("name", UNANSWERED)
def test_whatever_else_the_sdk_raises_leaves_the_outcome_unknown(name: str) -> None:
    error = crossed(getattr(openai, name)(**UNANSWERED[name]))
    assert type(error) is OutcomeUnknownError
    assert error.sent


@pytest.mark.parametrize(
    "error_type",
    [
        error
        for error in exceptions_in(import_module("aiohttp.client_exceptions"))
        if issubclass(error, aiohttp.ClientError)
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_only_what_never_connected_counts_as_not_sent(
    error_type: type[Exception], wrapped: bool
) -> None:
    cause = stand_in(error_type)
    error = cause
    if wrapped:
        # The transport's own word for most of these; it says nothing about what was sent.
        error = openai.APITimeoutError(REQUEST)
        error.__cause__ = httpx2.ConnectTimeout("m")
        error.__cause__.__cause__ = cause
    assert crossed(error).sent is (error_type.__name__ not in NEVER_SENT)


def test_error_handled_before_by_someone_else_does_not_count() -> None:
    ours = aiohttp.ServerDisconnectedError()
    ours.__context__ = aiohttp.ConnectionTimeoutError()
    assert crossed(ours).sent


@pytest.mark.parametrize("leak", [OSError("reset"), httpx2.ReadError("m"), httpx2.StreamClosed()])
def test_what_leaks_through_the_sdk_leaves_the_outcome_unknown(leak: Exception) -> None:
    assert type(crossed(leak)) is OutcomeUnknownError


def test_request_that_cannot_be_written_is_rejected_unsent() -> None:
    error = crossed(TypeError("Object of type object is not JSON serializable"))
    assert (type(error), error.sent) == (RequestRejectedError, False)


def test_defects_pass_through_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), sdk_errors_as_ours(KEY):
        raise ZeroDivisionError
