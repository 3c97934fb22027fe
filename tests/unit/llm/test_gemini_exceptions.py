"""Every exception of `google-genai`, and of the transport beneath it, becomes one of ours.

The SDK's classes are enumerated: a release that brings a new one fails here until somebody has said
what it means.
"""

import json
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import aiohttp
import pydantic
import pytest
from google.genai import errors as sdk_errors

from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    CallTimedOutError,
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.gemini.errors import sdk_errors_as_ours
from tests.support.gemini_server import refusal

KEY = "hunter2-has-no-usual-shape"

ANSWERED: list[tuple[str, int, type[LlmError]]] = [
    ("APIError", 302, RequestRejectedError),
    ("ClientError", 400, RequestRejectedError),
    ("ClientError", 401, AccountError),
    ("ClientError", 403, AccountError),
    ("ClientError", 404, RequestRejectedError),
    ("ClientError", 429, RateLimitedError),
    ("ServerError", 500, ProviderUnavailableError),
    ("ServerError", 503, ProviderUnavailableError),
]
UNREADABLE = {"UnknownApiResponseError"}
NOT_BY_GENERATE_CONTENT = {
    "ContinuationInterruptedError",  # the Interactions API
    "FunctionInvocationError",  # automatic function calling, which is off
    "UnknownFunctionCallArgumentError",
    "UnsupportedFunctionError",
}
OF_THE_CLIENT = {"EphemeralTokenAPIKeyError"}


def exceptions_of(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        if not (isinstance(value, type) and issubclass(value, Exception)):
            continue
        if value.__module__ == module.__name__ and not issubclass(value, Warning):
            yield name


def crossed(error: Exception) -> LlmError:
    with pytest.raises(LlmError) as caught, sdk_errors_as_ours(KEY):
        raise error
    return caught.value


def test_every_exception_of_the_sdk_is_known() -> None:
    answered = {name for name, _, _ in ANSWERED}
    assert set(exceptions_of(sdk_errors)) == answered | UNREADABLE | NOT_BY_GENERATE_CONTENT
    client = import_module("google.genai._api_client")
    assert set(exceptions_of(client)) == OF_THE_CLIENT


@pytest.mark.parametrize(("name", "status", "expected"), ANSWERED)
def test_answer_with_a_status_becomes_ours(
    name: str, status: int, expected: type[LlmError]
) -> None:
    body = refusal(status, "SOME_STATUS", f"no: {KEY}", retry_delay="4s").body
    error = crossed(getattr(sdk_errors, name)(status, body))
    assert type(error) is expected
    assert (error.status, error.provider_code) == (status, "SOME_STATUS")
    assert (error.retry_after_seconds, error.sent) == (4.0, True)
    assert KEY not in str(error)
    assert error.__cause__ is None


def validation_error() -> Exception:
    with pytest.raises(pydantic.ValidationError) as caught:
        pydantic.TypeAdapter(int).validate_python("many")
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        sdk_errors.UnknownApiResponseError("Failed to parse"),
        json.JSONDecodeError("m", "", 0),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "m"),
        validation_error(),
        AttributeError("'str' object has no attribute 'get'"),
        TypeError("'<=' not supported"),
    ],
)
def test_answer_that_the_sdk_stumbles_over_may_have_been_billed(error: Exception) -> None:
    ours = crossed(error)
    assert (type(ours), ours.sent) == (OutcomeUnknownError, True)


def test_what_the_sdk_finds_wrong_with_the_request_is_rejected_unsent() -> None:
    error = crossed(ValueError("labels parameter is not supported in Gemini API."))
    assert (type(error), error.sent) == (RequestRejectedError, False)


def test_time_limit_of_the_transport_is_one_of_ours() -> None:
    error = crossed(TimeoutError())
    assert (type(error), error.sent) == (CallTimedOutError, True)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (aiohttp.ConnectionTimeoutError(), ProviderUnavailableError),
        (aiohttp.ServerDisconnectedError(), OutcomeUnknownError),
        (aiohttp.ClientPayloadError(), OutcomeUnknownError),
        (aiohttp.InvalidURL("nowhere"), RequestRejectedError),
        (ConnectionResetError("reset"), OutcomeUnknownError),
    ],
)
def test_what_leaks_from_the_transport_says_whether_it_was_sent(
    error: Exception, expected: type[LlmError]
) -> None:
    ours = crossed(error)
    assert type(ours) is expected
    assert ours.sent is (expected is OutcomeUnknownError)


def test_defects_pass_through_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), sdk_errors_as_ours(KEY):
        raise ZeroDivisionError


def test_details_may_be_anything() -> None:
    details: list[Any] = [None, "text", [], {"error": "text"}]
    assert {type(crossed(sdk_errors.ServerError(502, {"error": each}))) for each in details} == {
        ProviderUnavailableError
    }
