"""Every exception of the SDK becomes one of ours.

The SDK's classes are enumerated: a release that brings a new one fails here until somebody has
said what it means.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

import aiohttp
import anthropic
import httpx2
import pytest

from llmbus.worker.llm_abstractions.anthropic.sdk import sdk_errors_as_ours
from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    ContextTooLongError,
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)

KEY = "hunter2-has-no-usual-shape"
REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1", headers={"authorization": f"Bearer {KEY}"})

ANSWERED: dict[str, tuple[int, str | None, type[LlmError]]] = {
    "APIStatusError": (418, None, RequestRejectedError),
    "BadRequestError": (400, None, RequestRejectedError),
    "AuthenticationError": (401, None, AccountError),
    "PaymentRequiredError": (402, None, AccountError),
    "PermissionDeniedError": (403, None, AccountError),
    "NotFoundError": (404, None, RequestRejectedError),
    "RequestTimeoutError": (408, None, ProviderUnavailableError),
    "ConflictError": (409, None, ProviderUnavailableError),
    "PreconditionFailedError": (412, None, RequestRejectedError),
    "ContentTooLargeError": (413, None, ContextTooLongError),
    "UnprocessableEntityError": (422, None, RequestRejectedError),
    "RateLimitError": (429, None, RateLimitedError),
    "RequestHeaderFieldsTooLargeError": (431, None, RequestRejectedError),
    "ClientClosedRequestError": (499, None, OutcomeUnknownError),
    "InternalServerError": (500, None, ProviderUnavailableError),
    "HTTPNotImplementedError": (501, None, ProviderUnavailableError),
    "ServiceUnavailableError": (503, None, ProviderUnavailableError),
    "GatewayTimeoutError": (504, None, ProviderUnavailableError),
    "OverloadedError": (529, None, ProviderUnavailableError),
    "ClaudeCodeKeyCreatorNotMemberError": (
        403,
        "claude_code_key_creator_not_member",
        AccountError,
    ),
    "ClaudeCodeVersionTooOldError": (400, "claude_code_version_too_old", RequestRejectedError),
    "CMEKKeyDisabledError": (400, "cmek_key_disabled", AccountError),
    "CMEKKeyNetworkBlockedError": (400, "cmek_key_network_blocked", AccountError),
    "OrganizationOnHoldError": (400, "organization_on_hold", AccountError),
    "OrganizationTypeNotSupportedError": (400, "organization_type_not_supported", AccountError),
    "ParentOrganizationRequiredError": (400, "parent_organization_required", AccountError),
    "RequestBodyEncodingInvalidError": (400, "request_body_encoding_invalid", RequestRejectedError),
    "RequestBodyEncodingUnsupportedError": (
        400,
        "request_body_encoding_unsupported",
        RequestRejectedError,
    ),
    "LinkedOrganizationBillingUnavailableError": (
        402,
        "linked_organization_billing_unavailable",
        AccountError,
    ),
    "LinkedOrganizationSpendLimitReachedError": (
        402,
        "linked_organization_spend_limit_reached",
        AccountError,
    ),
    "SandboxEgressRestrictedError": (403, "sandbox_egress_restricted", AccountError),
    "RequestBodyTooLargeAfterDecodingError": (
        413,
        "request_body_too_large_after_decoding",
        ContextTooLongError,
    ),
    "ContractSpendLimitReachedError": (429, "contract_spend_limit_reached", AccountError),
    "EnforcedSpendLimitReachedError": (429, "enforced_spend_limit_reached", AccountError),
    "RampLimitExceededError": (429, "ramp_limit_exceeded", RateLimitedError),
    "CMEKContextUnavailableError": (503, "cmek_context_unavailable", ProviderUnavailableError),
    "CMEKKeyUnreachableError": (503, "cmek_key_unreachable", ProviderUnavailableError),
}
UNANSWERED: dict[str, dict[str, Any]] = {
    "AnthropicError": {},
    "APIError": {"message": "m", "request": REQUEST, "body": None},
    "APIConnectionError": {"request": REQUEST},
    "APITimeoutError": {"request": REQUEST},
    "APIResponseValidationError": {"response": httpx2.Response(200, request=REQUEST), "body": None},
}
NOT_BY_MESSAGES = {
    "APIWebhookValidationError",
    "CredentialsError",  # we pass a key
    "IdentityTokenFileError",
    "RetryableError",  # only from middleware
}
OLDER_NAMES = {"DeadlineExceededError", "RequestTooLargeError"}


def crossed(error: Exception) -> LlmError:
    with pytest.raises(LlmError) as caught, sdk_errors_as_ours(KEY):
        raise error
    return caught.value


def exported() -> Iterator[str]:
    for name in cast("list[str]", vars(anthropic)["__all__"]):
        value: object = getattr(anthropic, name)
        if isinstance(value, type) and issubclass(value, Exception):
            yield name


def test_every_exception_of_the_sdk_is_known() -> None:
    known = ANSWERED.keys() | UNANSWERED.keys() | NOT_BY_MESSAGES | OLDER_NAMES
    assert set(exported()) == known
    defined = {
        name
        for name, value in vars(import_module("anthropic._exceptions")).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert defined <= known


def test_every_cause_of_a_rate_or_spend_limit_is_known() -> None:
    """429 means two opposite things, so that its causes must not be guessed."""
    table = cast(
        "dict[tuple[int, str | None], type]",
        vars(import_module("anthropic._error_classes"))["ERROR_CLASSES"],
    )
    assert {code for status, code in table if status == 429 and code} == {
        code for status, code, _ in ANSWERED.values() if status == 429 and code
    }


@pytest.mark.parametrize("name", ANSWERED)
def test_answer_with_a_status_becomes_ours(name: str) -> None:
    status, code, expected = ANSWERED[name]
    response = httpx2.Response(
        status, request=REQUEST, headers={"request-id": "req-9", "retry-after": "4"}
    )
    inner = {"type": "some_error", "message": f"no: {KEY}"}
    body = {"error": inner | ({"details": {"error_code": code}} if code else {})}
    error = crossed(getattr(anthropic, name)("m", response=response, body=body))
    assert type(error) is expected
    assert (error.status, error.provider_code) == (status, code or "some_error")
    assert (error.request_id, error.retry_after_seconds, error.sent) == ("req-9", 4.0, True)
    assert "no: " in str(error)
    assert KEY not in str(error)


def test_answer_without_a_json_body_is_told_by_its_status() -> None:
    response = httpx2.Response(503, request=REQUEST)
    error = crossed(anthropic.ServiceUnavailableError(f"bad {KEY}", response=response, body=None))
    assert (type(error), error.provider_code) == (ProviderUnavailableError, None)
    assert KEY not in str(error)


@pytest.mark.parametrize("name", UNANSWERED)
def test_whatever_else_the_sdk_raises_leaves_the_outcome_unknown(name: str) -> None:
    error = crossed(getattr(anthropic, name)(**UNANSWERED[name]))
    assert type(error) is OutcomeUnknownError
    assert error.sent


@pytest.mark.parametrize("leak", [OSError("reset"), httpx2.ReadError("m"), httpx2.StreamClosed()])
def test_what_leaks_through_the_sdk_leaves_the_outcome_unknown(leak: Exception) -> None:
    assert type(crossed(leak)) is OutcomeUnknownError


def test_connection_that_never_came_about_was_not_sent() -> None:
    error = anthropic.APITimeoutError(REQUEST)
    error.__cause__ = httpx2.ConnectTimeout("m")
    error.__cause__.__cause__ = aiohttp.ConnectionTimeoutError()
    assert type(crossed(error)) is ProviderUnavailableError


def test_request_that_cannot_be_written_is_rejected_unsent() -> None:
    error = crossed(TypeError(f"Object of type {KEY} is not JSON serializable"))
    assert (type(error), error.sent) == (RequestRejectedError, False)
    assert KEY not in str(error)


def test_defects_pass_through_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), sdk_errors_as_ours(KEY):
        raise ZeroDivisionError
