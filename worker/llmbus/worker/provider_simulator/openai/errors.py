"""Errors in the shape of OpenAI's APIs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmbus.worker.llm_abstractions.profiles import ModelProfile
from llmbus.worker.provider_simulator.api_error import ApiError, refuse
from llmbus.worker.provider_simulator.behaviour import Vendor
from llmbus.worker.provider_simulator.rules import RulesOfModels

__all__ = ["error_body", "served_model", "too_long", "wrong_key"]

_SERVER_ERROR: Final = 500
_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    429: "requests",
}
_CODES: Final = {429: "rate_limit_exceeded"}


def error_body(error: ApiError) -> dict[str, Any]:
    """What comes with a status that is not 200."""
    usual = "server_error" if error.status >= _SERVER_ERROR else "invalid_request_error"
    return {
        "error": {
            "message": error.message,
            "type": error.type or _TYPES.get(error.status, usual),
            "param": error.param,
            "code": error.code or _CODES.get(error.status),
        }
    }


def wrong_key(key: str) -> ApiError:
    """For a key that is missing or not accepted."""
    if not key:
        return ApiError(401, "You didn't provide an API key.", type="invalid_request_error")
    text = f"Incorrect API key provided: {key[:3]}***{key[-2:]}."
    return ApiError(401, text, type="invalid_request_error", code="invalid_api_key")


def served_model(body: Mapping[str, Any], models: RulesOfModels) -> tuple[str, ModelProfile]:
    """The model that is asked for and its rules. Raises `ApiError` if there is none."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        refuse("you must provide a model parameter", param="model")
    profile = models.served(Vendor.OPENAI, model)
    if profile is None:
        raise ApiError(
            404,
            f"The model `{model}` does not exist or you do not have access to it.",
            code="model_not_found",
        )
    return model, profile


def too_long(tokens: int, most: int, param: str) -> ApiError:
    """For a prompt of more tokens than a model can take."""
    text = (
        f"This model's maximum context length is {most} tokens. However, your messages resulted in"
        f" {tokens} tokens. Please reduce the length of the messages."
    )
    return ApiError(400, text, param=param, code="context_length_exceeded")
