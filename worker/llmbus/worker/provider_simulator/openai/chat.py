"""OpenAI's Chat Completions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from llmbus.worker.llm_abstractions.profiles import ModelProfile
from llmbus.worker.provider_simulator.answer import Answer
from llmbus.worker.provider_simulator.api_error import ApiError, refuse
from llmbus.worker.provider_simulator.dialect import Call, json_frame
from llmbus.worker.provider_simulator.fields import (
    as_list,
    list_in,
    object_in,
    refuse_others,
    text_of,
)
from llmbus.worker.provider_simulator.openai.api import OpenAiApi, wanted_first
from llmbus.worker.provider_simulator.openai.chat_answers import (
    completion_frames,
    whole_completion,
)
from llmbus.worker.provider_simulator.openai.chat_rules import (
    PARAMETERS,
    check_messages,
    check_tools,
)
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
from llmbus.worker.provider_simulator.question import OfferedTool, Question, last_text
from llmbus.worker.provider_simulator.rules import RulesOfModels

__all__ = ["OpenAiChat"]

_RESPONSES_ONLY: Final = re.compile(r"-(codex|pro)\b|^codex")
_TOOLS_WITHOUT_THINKING: Final = re.compile(r"gpt-6\b")


class OpenAiChat(OpenAiApi):
    """POST /v1/chat/completions."""

    api = "chat"
    prompt_field: ClassVar[str] = "messages"

    def read(self, call: Call, models: RulesOfModels) -> Question:
        """See `Dialect.read`."""
        body = call.body
        model, profile = served_model(body, models)
        if _RESPONSES_ONLY.search(model):
            text = "This model is only supported in v1/responses and not in v1/chat/completions."
            raise ApiError(404, text, param="model")
        refuse_others(body, PARAMETERS, "Unrecognized request argument supplied: {}".format)
        messages = as_list(body.get("messages"), "messages")
        check_messages(messages)
        check_tools(body.get("tools"), body.get("tool_choice"))
        thinks = is_thinking(profile, body.get("reasoning_effort"), "reasoning_effort")
        check_sampling(body, profile, thinking=thinks)
        if thinks and body.get("tools") and _TOOLS_WITHOUT_THINKING.match(model):
            refuse("Function tools need reasoning_effort 'none' here.", param="reasoning_effort")
        if body.get("stream_options") is not None and not body.get("stream"):
            refuse(
                "'stream_options' is only allowed when 'stream' is true.", param="stream_options"
            )
        return self._question(body, model, profile, thinks=thinks)

    def _question(
        self, body: Mapping[str, Any], model: str, profile: ModelProfile, *, thinks: bool
    ) -> Question:
        texts = [text_of(message) for message in body["messages"]]
        users = [text_of(one) for one in body["messages"] if one["role"] == "user"]
        stop = body.get("stop")
        return Question(
            model=model,
            texts=texts,
            last_user_text=last_text(users),
            stream=bool(body.get("stream")),
            output_limit=_limit(body, profile),
            thinks=thinks,
            tools=_offered(body),
            must_call=body.get("tool_choice") not in (None, "auto", "none"),
            stops=[stop] if isinstance(stop, str) else list_in(body, "stop"),
            json_schema=check_text_format(body.get("response_format"), texts, "response_format"),
            counts_streamed_usage=bool(object_in(body, "stream_options").get("include_usage")),
        )

    def body(self, answer: Answer) -> Any:
        """See `Dialect.body`."""
        return whole_completion(answer)

    def frames(self, question: Question, answer: Answer) -> Iterable[bytes]:
        """See `Dialect.frames`."""
        return completion_frames(answer, with_usage=question.counts_streamed_usage)

    def error_frame(self, error: ApiError) -> bytes:
        """See `Dialect.error_frame`."""
        return json_frame(error_body(error))


def _limit(body: Mapping[str, Any], profile: ModelProfile) -> int | None:
    if body.get("max_tokens") is not None and profile.thinking != "none":
        refuse(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
            " 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    name = "max_tokens" if body.get("max_tokens") is not None else "max_completion_tokens"
    return check_limit(body.get(name), profile, name, least=1)


def _offered(body: Mapping[str, Any]) -> list[OfferedTool]:
    functions = [tool["function"] for tool in list_in(body, "tools")]
    offered = [OfferedTool(one["name"], object_in(one, "parameters")) for one in functions]
    wanted = object_in(object_in(body, "tool_choice"), "function").get("name")
    return wanted_first(offered, wanted)
