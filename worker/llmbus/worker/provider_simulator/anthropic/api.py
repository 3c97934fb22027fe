"""Anthropic's Messages API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmbus.worker.provider_simulator.answer import Answer
from llmbus.worker.provider_simulator.anthropic.answers import error_body, message, message_frames
from llmbus.worker.provider_simulator.anthropic.messages import check_messages
from llmbus.worker.provider_simulator.anthropic.parameters import check_parameters, is_thinking
from llmbus.worker.provider_simulator.api_error import ApiError, refuse
from llmbus.worker.provider_simulator.behaviour import Vendor
from llmbus.worker.provider_simulator.dialect import Call, bearer, named_frame
from llmbus.worker.provider_simulator.fields import list_in, object_in, text_of
from llmbus.worker.provider_simulator.question import OfferedTool, Question, last_text
from llmbus.worker.provider_simulator.rules import RulesOfModels

__all__ = ["AnthropicMessages"]


class AnthropicMessages:
    """POST /v1/messages."""

    vendor = Vendor.ANTHROPIC
    api = "messages"
    request_id_header = "request-id"
    sends_retry_after = True

    def key(self, call: Call) -> str:
        """See `Dialect.key`. SDKs from 2.0 on send it as a bearer token."""
        return call.headers.get("x-api-key") or bearer(call)

    def wrong_key(self, key: str) -> ApiError:
        """See `Dialect.wrong_key`."""
        return ApiError(401, "invalid x-api-key" if key else "x-api-key header is required")

    def too_long(self, tokens: int, most: int) -> ApiError:
        """See `Dialect.too_long`."""
        return ApiError(400, f"prompt is too long: {tokens} tokens > {most} maximum")

    def read(self, call: Call, models: RulesOfModels) -> Question:
        """See `Dialect.read`."""
        version = call.headers.get("anthropic-version")
        if version is None:
            refuse("anthropic-version: header is required")
        body = call.body
        model = body.get("model")
        if not isinstance(model, str) or not model:
            refuse("model: Field required", param="model")
        profile = models.served(self.vendor, model)
        if profile is None:
            raise ApiError(404, f"model: {model}")
        check_parameters(body, profile, version)
        check_messages(body, profile)
        choice = object_in(body, "tool_choice").get("type")
        users = [one for one in body["messages"] if one["role"] == "user"]
        offered = [
            OfferedTool(tool["name"], tool["input_schema"]) for tool in list_in(body, "tools")
        ]
        if choice == "tool":
            offered.sort(key=lambda tool: tool.name != body["tool_choice"].get("name"))
        schema = object_in(object_in(body, "output_config"), "format").get("schema")
        return Question(
            model=model,
            texts=[text_of(body.get("system")), *(text_of(one) for one in body["messages"])],
            last_user_text=last_text(map(text_of, users)),
            stream=bool(body.get("stream")),
            output_limit=body["max_tokens"],
            thinks=is_thinking(body, profile),
            tools=offered,
            must_call=choice in {"any", "tool"},
            stops=list_in(body, "stop_sequences"),
            json_schema=schema,
        )

    def body(self, answer: Answer) -> Any:
        """See `Dialect.body`."""
        return message(answer)

    def frames(self, question: Question, answer: Answer) -> Iterable[bytes]:
        """See `Dialect.frames`."""
        return message_frames(answer)

    def error_body(self, error: ApiError) -> Any:
        """See `Dialect.error_body`."""
        return error_body(error)

    def error_frame(self, error: ApiError) -> bytes:
        """See `Dialect.error_frame`."""
        return named_frame(error_body(error))
