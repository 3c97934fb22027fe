"""Gemini's generateContent and streamGenerateContent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from llmbus.worker.provider_simulator.answer import Answer
from llmbus.worker.provider_simulator.api_error import ApiError
from llmbus.worker.provider_simulator.behaviour import Vendor
from llmbus.worker.provider_simulator.dialect import Call, json_frame
from llmbus.worker.provider_simulator.fields import list_in, object_in, text_of
from llmbus.worker.provider_simulator.gemini.answers import (
    content_frames,
    error_body,
    whole_content,
)
from llmbus.worker.provider_simulator.gemini.names import in_camel_case
from llmbus.worker.provider_simulator.gemini.rules import (
    check_config,
    check_contents,
    check_parameters,
)
from llmbus.worker.provider_simulator.question import OfferedTool, Question, last_text
from llmbus.worker.provider_simulator.rules import RulesOfModels

__all__ = ["GeminiGenerateContent"]

_THINKING: Final = frozenset({"default", "always"})


class GeminiGenerateContent:
    """POST /v1beta/models/<model>:generateContent and :streamGenerateContent?alt=sse."""

    vendor = Vendor.GEMINI
    api = "generate_content"
    request_id_header = "x-simulated-request-id"  # Gemini has none
    sends_retry_after = False

    def key(self, call: Call) -> str:
        """See `Dialect.key`."""
        return call.headers.get("x-goog-api-key") or call.query.get("key", "")

    def wrong_key(self, key: str) -> ApiError:
        """See `Dialect.wrong_key`."""
        if not key:
            return ApiError(403, "Method doesn't allow unregistered callers.")
        text = "API key not valid. Please pass a valid API key."
        return ApiError(400, text, code="API_KEY_INVALID")

    def too_long(self, tokens: int, most: int) -> ApiError:
        """See `Dialect.too_long`."""
        return ApiError(
            400,
            f"The input token count ({tokens}) exceeds the maximum number of tokens allowed"
            f" ({most}).",
        )

    def read(self, call: Call, models: RulesOfModels) -> Question:
        """See `Dialect.read`."""
        model, method = call.model_in_path, call.method_in_path
        profile = models.served(self.vendor, model)
        if profile is None or method not in {"generateContent", "streamGenerateContent"}:
            text = f"models/{model} is not found for API version v1beta, or is not supported for"
            raise ApiError(404, f"{text} {method}.")
        body = in_camel_case(call.body)
        check_parameters(body)
        config = object_in(body, "generationConfig")
        check_config(config, profile, model)
        check_contents(body.get("contents"), profile)
        users = [turn for turn in body["contents"] if turn.get("role", "user") == "user"]
        thinking = object_in(config, "thinkingConfig")
        mode, offered = _tools(body)
        return Question(
            model=model,
            texts=[text_of(body.get("systemInstruction")), *map(text_of, body["contents"])],
            last_user_text=last_text(map(text_of, users)),
            stream=method == "streamGenerateContent",
            output_limit=config.get("maxOutputTokens"),
            thinks=profile.thinking in _THINKING and thinking.get("thinkingBudget") != 0,
            shows_thought=thinking.get("includeThoughts") is True,
            tools=offered,
            must_call=mode == "ANY",
            stops=list_in(config, "stopSequences"),
            json_schema=_json_schema(config),
        )

    def body(self, answer: Answer) -> Any:
        """See `Dialect.body`."""
        return whole_content(answer)

    def frames(self, question: Question, answer: Answer) -> Iterable[bytes]:
        """See `Dialect.frames`."""
        return content_frames(answer)

    def error_body(self, error: ApiError) -> Any:
        """See `Dialect.error_body`."""
        return error_body(error)

    def error_frame(self, error: ApiError) -> bytes:
        """See `Dialect.error_frame`."""
        return json_frame(error_body(error))


def _tools(body: Mapping[str, Any]) -> tuple[str, list[OfferedTool]]:
    offered = [
        OfferedTool(
            function["name"],
            object_in(function, "parametersJsonSchema") or object_in(function, "parameters"),
        )
        for tool in list_in(body, "tools")
        for function in list_in(tool, "functionDeclarations")
    ]
    calling = object_in(object_in(body, "toolConfig"), "functionCallingConfig")
    allowed = list_in(calling, "allowedFunctionNames")
    offered.sort(key=lambda tool: tool.name not in allowed)
    return str(calling.get("mode", "AUTO")), offered


def _json_schema(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if config.get("responseMimeType") != "application/json":
        return None
    return object_in(config, "responseJsonSchema") or object_in(config, "responseSchema")
