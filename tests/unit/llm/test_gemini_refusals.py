"""What Google says along with an error, sorted by what the caller should do."""

from typing import Any

import pytest

from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    ContextTooLongError,
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.gemini.refusals import Refusal
from tests.support.gemini_server import refusal

KEY = "hunter2-has-no-usual-shape"


def error_of(http_status: int | None, body: Any) -> LlmError:
    return Refusal.from_json(http_status, body).to_error(KEY)


@pytest.mark.parametrize(
    ("http_status", "status", "expected"),
    [
        (400, "INVALID_ARGUMENT", RequestRejectedError),
        (400, "FAILED_PRECONDITION", AccountError),
        (401, "UNAUTHENTICATED", AccountError),
        (403, "PERMISSION_DENIED", AccountError),
        (404, "NOT_FOUND", RequestRejectedError),
        (408, "", ProviderUnavailableError),
        (409, "ABORTED", ProviderUnavailableError),
        (413, "", ContextTooLongError),
        (429, "RESOURCE_EXHAUSTED", RateLimitedError),
        (499, "CANCELLED", OutcomeUnknownError),
        (500, "INTERNAL", ProviderUnavailableError),
        (503, "UNAVAILABLE", ProviderUnavailableError),
        (504, "DEADLINE_EXCEEDED", ProviderUnavailableError),
        (302, "", RequestRejectedError),
    ],
)
def test_status_says_what_to_do(http_status: int, status: str, expected: type[LlmError]) -> None:
    error = error_of(http_status, refusal(http_status, status).body)
    assert type(error) is expected
    assert (error.status, error.provider_code, error.sent) == (http_status, status or None, True)


def test_bad_key_is_answered_by_400() -> None:
    body = refusal(400, "INVALID_ARGUMENT", f"not valid: {KEY}", reason="API_KEY_INVALID").body
    error = error_of(400, body)
    assert (type(error), error.provider_code) == (AccountError, "API_KEY_INVALID")
    assert KEY not in str(error)


@pytest.mark.parametrize(
    "message",
    [
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "The input token count exceeds the limit.",
    ],
)
def test_long_prompt_is_recognised_by_its_text(message: str) -> None:
    assert type(error_of(400, refusal(400, "INVALID_ARGUMENT", message).body)) is (
        ContextTooLongError
    )


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("GenerateRequestsPerDayPerProjectPerModel-FreeTier", AccountError),
        ("generate_requests_per_model_per_day", AccountError),
        ("GenerateRequestsPerMinutePerProjectPerModel", RateLimitedError),
    ],
)
def test_quota_of_the_day_does_not_come_back_soon(quota: str, expected: type[LlmError]) -> None:
    body = refusal(429, "RESOURCE_EXHAUSTED", quota=quota, retry_delay="7s").body
    assert type(error_of(429, body)) is expected


def test_quota_of_zero_never_comes_back() -> None:
    details = [{"violations": [{"quotaId": "PerMinute", "quotaValue": "0"}]}]
    assert type(error_of(429, {"error": {"details": details}})) is AccountError


@pytest.mark.parametrize(
    ("delay", "expected"),
    [("7s", 7.0), ("1.5s", 1.5), ("soon", None), (7, None), ("-1s", None)],
)
def test_how_long_to_wait(delay: Any, expected: float | None) -> None:
    body = {"error": {"details": [{"retryDelay": delay}]}}
    assert error_of(429, body).retry_after_seconds == expected


@pytest.mark.parametrize(
    "body", [None, "text", [], {"error": "text"}, {"error": {"details": [7, {"violations": 7}]}}]
)
def test_answers_of_proxies_are_read_too(body: Any) -> None:
    assert type(error_of(502, body)) is ProviderUnavailableError


def test_without_a_status_nobody_knows() -> None:
    assert type(error_of(None, {})) is OutcomeUnknownError
