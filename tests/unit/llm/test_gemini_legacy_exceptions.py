"""Every exception of the older SDK, and of gRPC beneath it, becomes one of ours.

The SDK's classes are enumerated: a release that brings a new one fails here until somebody has said
what it means.
"""

# The SDK's lower layers say nothing about their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.api_core import exceptions

from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.gemini.legacy_client import sdk_errors_as_ours

sdk_errors: Any = exceptions
KEY = "hunter2-has-no-usual-shape"

ANSWERED: dict[str, type[LlmError]] = {
    "Aborted": ProviderUnavailableError,
    "AlreadyExists": ProviderUnavailableError,
    "BadGateway": ProviderUnavailableError,
    "BadRequest": RequestRejectedError,
    "Cancelled": OutcomeUnknownError,
    "ClientError": OutcomeUnknownError,
    "Conflict": ProviderUnavailableError,
    "DataLoss": OutcomeUnknownError,
    "DeadlineExceeded": ProviderUnavailableError,
    "FailedPrecondition": AccountError,
    "Forbidden": AccountError,
    "GatewayTimeout": ProviderUnavailableError,
    "GoogleAPICallError": OutcomeUnknownError,
    "InternalServerError": ProviderUnavailableError,
    "InvalidArgument": RequestRejectedError,
    "LengthRequired": RequestRejectedError,
    "MethodNotAllowed": RequestRejectedError,
    "MethodNotImplemented": ProviderUnavailableError,
    "MovedPermanently": RequestRejectedError,
    "NotFound": RequestRejectedError,
    "NotModified": RequestRejectedError,
    "OutOfRange": RequestRejectedError,
    "PermissionDenied": AccountError,
    "PreconditionFailed": RequestRejectedError,
    "Redirection": OutcomeUnknownError,
    "RequestRangeNotSatisfiable": RequestRejectedError,
    "ResourceExhausted": RateLimitedError,
    "ResumeIncomplete": RequestRejectedError,
    "ServerError": OutcomeUnknownError,
    "ServiceUnavailable": ProviderUnavailableError,
    "TemporaryRedirect": RequestRejectedError,
    "TooManyRequests": RateLimitedError,
    "Unauthenticated": AccountError,
    "Unauthorized": AccountError,
    "Unknown": OutcomeUnknownError,
}
WITHOUT_AN_ANSWER = {"GoogleAPIError", "DuplicateCredentialArgs", "RetryError"}
NOT_BY_GRPC = {"AsyncRestUnsupportedParameterError"}


def crossed(error: Exception) -> LlmError:
    with pytest.raises(LlmError) as caught, sdk_errors_as_ours(KEY):
        raise error
    return caught.value


def test_every_exception_of_the_sdk_is_known() -> None:
    defined = {
        name
        for name, value in vars(sdk_errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert defined == ANSWERED.keys() | WITHOUT_AN_ANSWER | NOT_BY_GRPC


@pytest.mark.parametrize("name", ANSWERED)
def test_answer_with_a_code_becomes_ours(name: str) -> None:
    error = crossed(getattr(sdk_errors, name)(f"no: {KEY}"))
    assert type(error) is ANSWERED[name]
    assert error.sent
    assert KEY not in str(error)
    assert error.__cause__ is None


@pytest.mark.parametrize(
    "error",
    [
        sdk_errors.GoogleAPIError("m"),
        sdk_errors.RetryError("m", cause=None),
        grpc.RpcError("m"),
        grpc.aio.UsageError("m"),
        grpc.aio.InternalError("m"),
        ConnectionResetError("m"),
    ],
)
def test_whatever_else_the_sdk_raises_leaves_the_outcome_unknown(error: Exception) -> None:
    assert type(crossed(error)) is OutcomeUnknownError


@pytest.mark.parametrize(
    "text",
    [
        "Stream removed (Socket closed)",
        "recvmsg:Connection reset by peer",
        "GOAWAY received",
        "Received RST_STREAM with error code 2",
        "Cancelling all calls",
        "keepalive watchdog timeout",
    ],
)
@pytest.mark.parametrize("name", ["ServiceUnavailable", "InternalServerError", "Unknown"])
def test_lost_connection_is_no_answer_although_it_has_the_same_code(name: str, text: str) -> None:
    assert type(crossed(getattr(sdk_errors, name)(text))) is OutcomeUnknownError


@pytest.mark.parametrize(
    "text",
    [
        "failed to connect to all addresses; last error: UNAVAILABLE: Socket closed",
        "errors resolving nowhere.invalid:443: [field:hostname lookup error:...]",
        "DNS resolution failed for nowhere.invalid:443",
    ],
)
def test_only_what_never_connected_counts_as_not_sent(text: str) -> None:
    error = crossed(sdk_errors.ServiceUnavailable(text))
    assert (type(error), error.sent) == (ProviderUnavailableError, False)


def test_defects_pass_through_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), sdk_errors_as_ours(KEY):
        raise ZeroDivisionError
