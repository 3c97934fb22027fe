"""The exceptions of `google-genai` as ours."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import aiohttp
import pydantic
from google.genai import errors as sdk_errors

from llmbus.worker.llm_abstractions.errors import (
    CallTimedOutError,
    LlmError,
    OutcomeUnknownError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.gemini.refusals import Refusal
from llmbus.worker.llm_abstractions.http.transport_errors import (
    TRANSPORT_ERRORS,
    error_without_answer,
)
from llmbus.worker.llm_abstractions.redaction import without_secrets

__all__ = ["sdk_errors_as_ours"]


@contextmanager
def sdk_errors_as_ours(api_key: str) -> Generator[None]:
    """Where the SDK's exceptions become ours, and those that leak through it raw.

    Not chained to the original: it holds the request with the key in its headers, and its text
    may repeat the key.
    """
    try:
        yield
    except sdk_errors.APIError as error:
        raise Refusal.from_json(error.code, vars(error)["details"]).to_error(api_key) from None
    except aiohttp.ConnectionTimeoutError as error:
        raise error_without_answer(error, api_key) from None
    except TimeoutError:
        raise CallTimedOutError(
            "no complete answer in time; it may have been billed", sent=True
        ) from None
    except TRANSPORT_ERRORS as error:
        raise error_without_answer(error, api_key) from None
    except _ANSWERS_THE_SDK_CANNOT_READ as error:
        raise _unreadable(error, api_key) from None
    except ValueError as error:  # what the SDK finds wrong with the request before it sends it
        raise RequestRejectedError(without_secrets(str(error), api_key)) from None


_ANSWERS_THE_SDK_CANNOT_READ: Final = (
    sdk_errors.UnknownApiResponseError,
    json.JSONDecodeError,
    UnicodeDecodeError,
    pydantic.ValidationError,
    AttributeError,  # an `error` in a stream that is no object (google-genai 3.4)
    TypeError,  # and one without a code
)


def _unreadable(error: Exception, api_key: str) -> LlmError:
    text = without_secrets(f"{type(error).__name__}: {error}", api_key)
    return OutcomeUnknownError(f"an answer that cannot be read: {text}", sent=True)
