"""OpenAI's Responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from llmbus.worker.provider_simulator.answer import Answer
from llmbus.worker.provider_simulator.api_error import ApiError
from llmbus.worker.provider_simulator.dialect import Call, named_frame
from llmbus.worker.provider_simulator.fields import list_in, object_in, text_of
from llmbus.worker.provider_simulator.openai.api import OpenAiApi, wanted_first
from llmbus.worker.provider_simulator.openai.errors import (
    error_body,
    served_model,
)
from llmbus.worker.provider_simulator.openai.parameters import (
    check_limit,
    check_sampling,
    check_text_format,
    is_thinking,
)
from llmbus.worker.provider_simulator.openai.responses_answers import (
    response_frames,
    whole_response,
)
from llmbus.worker.provider_simulator.openai.responses_rules import (
    check_input,
    check_parameters,
    check_tools,
)
from llmbus.worker.provider_simulator.question import OfferedTool, Question, last_text
from llmbus.worker.provider_simulator.rules import RulesOfModels

__all__ = ["OpenAiResponses"]

_LEAST_TOKENS: Final = 16


class OpenAiResponses(OpenAiApi):
    """POST /v1/responses."""

    api = "responses"
    prompt_field: ClassVar[str] = "input"

    def read(self, call: Call, models: RulesOfModels) -> Question:
        """See `Dialect.read`."""
        body = call.body
        model, profile = served_model(body, models)
        check_parameters(body)
        check_input(body.get("input"))
        check_tools(body.get("tools"))
        effort = object_in(body, "reasoning").get("effort")
        thinks = is_thinking(profile, effort, "reasoning.effort")
        check_sampling(body, profile, thinking=thinks)
        limit = check_limit(
            body.get("max_output_tokens"), profile, "max_output_tokens", _LEAST_TOKENS
        )
        texts = _texts(body)
        return Question(
            model=model,
            texts=texts,
            last_user_text=_last_user_text(body["input"]),
            stream=bool(body.get("stream")),
            output_limit=limit,
            thinks=thinks,
            tools=_offered(body),
            must_call=body.get("tool_choice") not in (None, "auto", "none"),
            json_schema=check_text_format(
                object_in(body, "text").get("format"), texts, "text.format"
            ),
        )

    def body(self, answer: Answer) -> Any:
        """See `Dialect.body`."""
        return whole_response(answer)

    def frames(self, question: Question, answer: Answer) -> Iterable[bytes]:
        """See `Dialect.frames`."""
        return response_frames(answer)

    def error_frame(self, error: ApiError) -> bytes:
        """See `Dialect.error_frame`."""
        inner = error_body(error)["error"]
        event = {
            "type": "error",
            "code": inner["code"] or inner["type"],
            "message": error.message,
            "param": error.param,
            "sequence_number": 1_000,
        }
        return named_frame(event)


def _texts(body: Mapping[str, Any]) -> list[str]:
    items = body["input"]
    inputs = [items] if isinstance(items, str) else [text_of(item) for item in items]
    return [text_of(body.get("instructions")), *inputs]


def _last_user_text(items: Any) -> str:
    if isinstance(items, str):
        return items
    return last_text(text_of(item) for item in items if item.get("role") == "user")


def _offered(body: Mapping[str, Any]) -> list[OfferedTool]:
    functions = [tool for tool in list_in(body, "tools") if tool["type"] == "function"]
    offered = [OfferedTool(tool["name"], object_in(tool, "parameters")) for tool in functions]
    wanted = object_in(body, "tool_choice").get("name")
    return wanted_first(offered, wanted)
