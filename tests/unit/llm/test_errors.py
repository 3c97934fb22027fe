"""The error tree: sorted, picklable, and without secrets."""

import pickle
from collections.abc import Iterator

import pytest

from llmbus.shared import Failure, FailureKind, Usage
from llmbus.shared.errors import LlmbusError
from llmbus.worker.llm_abstractions import errors
from llmbus.worker.llm_abstractions.errors import (
    CALL_ERRORS,
    AccountError,
    LlmError,
    MissingApiKeyError,
    MissingDependenciesError,
    OutcomeUnknownError,
    RateLimitedError,
    UnsupportedAgentTypeError,
)
from llmbus.worker.llm_abstractions.redaction import without_secrets


def whole_tree(root: type[LlmError] = LlmError) -> Iterator[type[LlmError]]:
    yield root
    for child in root.__subclasses__():
        yield from whole_tree(child)


OUR_ERRORS = [error for error in whole_tree() if error.__module__ == errors.__name__]


@pytest.mark.parametrize("error_type", OUR_ERRORS)
def test_error_survives_pickling_with_all_its_fields(error_type: type[LlmError]) -> None:
    error = error_type(
        "it broke",
        status=429,
        provider_code="slow_down",
        request_id="req-1",
        retry_after_seconds=7.5,
        sent=True,
        usage=Usage(3, 4),
    )
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is error_type
    assert str(copy) == "it broke"
    assert vars(copy) == vars(error)


def test_error_becomes_a_failure_a_program_can_act_on() -> None:
    error = RateLimitedError("slow", provider_code="rate_limit_exceeded", retry_after_seconds=2.0)
    assert error.to_failure() == Failure(
        kind=FailureKind.RATE_LIMITED,
        message="slow",
        retryable=True,
        provider_code="rate_limit_exceeded",
        retry_after_seconds=2.0,
    )


def test_only_what_was_certainly_not_paid_is_retryable() -> None:
    retryable = {error.kind for error in OUR_ERRORS if error.retryable}
    assert retryable == {FailureKind.RATE_LIMITED, FailureKind.UNAVAILABLE}


def test_kinds_of_call_errors_are_told_apart() -> None:
    assert {kind: error.kind for kind, error in CALL_ERRORS.items()} == {
        kind: kind for kind in CALL_ERRORS
    }
    assert len(CALL_ERRORS) == 9


def test_what_get_provider_raises_is_also_what_the_contract_names() -> None:
    assert issubclass(UnsupportedAgentTypeError, ValueError)
    assert issubclass(MissingDependenciesError, ImportError)
    assert issubclass(MissingApiKeyError, RuntimeError)
    assert issubclass(LlmError, LlmbusError)


def test_the_drawing_shows_every_error() -> None:
    assert errors.__doc__ is not None
    drawn = {word for word in errors.__doc__.split() if word.endswith("Error")}
    assert {error.__name__ for error in OUR_ERRORS} <= drawn


@pytest.mark.parametrize(
    "secret",
    ["sk-proj-abc123DEF456", "AIzaSyA-0123456789", "Bearer abc.def", "sk-abc***wxyz"],
)
def test_what_looks_like_a_key_never_gets_into_an_error(secret: str) -> None:
    error = AccountError(f"bad key: {secret}.", provider_code=secret)
    shown = f"{error} {error!r} {error.provider_code} {error.to_failure()} {error.__reduce__()}"
    assert secret not in shown
    assert "<key>" in str(error)


def test_given_secret_is_blotted_out_whatever_its_shape() -> None:
    assert without_secrets("no: hunter2!", "hunter2", None, "") == "no: <key>!"


def test_message_is_kept_short() -> None:
    assert len(OutcomeUnknownError("<p>" * 10_000).message) == 1_000
