"""OpenAI's models through the official SDK, by chat completions or Responses as their profiles
say."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, ClassVar

import msgspec

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.accounting import with_cost
from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply, LlmRequest, TextDelta
from llmbus.worker.llm_abstractions.openai_llm.chat_answers import reply_from_body
from llmbus.worker.llm_abstractions.openai_llm.chat_body import chat_body
from llmbus.worker.llm_abstractions.openai_llm.chat_stream import ChatStream
from llmbus.worker.llm_abstractions.openai_llm.messages import check_messages
from llmbus.worker.llm_abstractions.openai_llm.responses_answers import reply_from_response
from llmbus.worker.llm_abstractions.openai_llm.responses_body import responses_body
from llmbus.worker.llm_abstractions.openai_llm.responses_stream import ResponsesStream
from llmbus.worker.llm_abstractions.openai_llm.sdk import (
    open_client,
    post,
    post_for_events,
    sdk_errors_as_ours,
)
from llmbus.worker.llm_abstractions.profiles import Endpoint, builtin_profiles
from llmbus.worker.llm_abstractions.sdk_llm import SdkLlm
from llmbus.worker.llm_abstractions.time_limits import within_time_limit

__all__ = ["OpenAILlm"]


class OpenAILlm(SdkLlm[Any]):
    """A model of OpenAI. Without `api_endpoint` the SDK's `OPENAI_BASE_URL` counts, else
    OpenAI's own address.

    A model that is not in `SUPPORTED_MODELS` is asked by the newest rules; a retired one by its
    replacement, unless LLMBUS_RETIRED_MODELS says otherwise.
    """

    agent_type: ClassVar[AgentType] = AgentType.OPENAI_GPT
    provider = agent_type.value
    address_variable: ClassVar[str | None] = "OPENAI_BASE_URL"
    SUPPORTED_MODELS: ClassVar[tuple[str, ...]] = tuple(
        builtin_profiles().supported_models(agent_type)
    )
    """Models whose rules are known, by the beginnings of their names."""

    async def generate(self, request: LlmRequest) -> LlmReply:
        """See `BaseLlm.generate`."""
        body = self._body(request)
        async with within_time_limit(request):
            with sdk_errors_as_ours(self._api_key):
                answer = await post(self._client(), self._endpoint, body)
        asked = self._asked(answer.request_id)
        if self._endpoint is Endpoint.CHAT:
            return self._accounted(reply_from_body(answer.body, asked))
        return self._accounted(reply_from_response(answer.body, asked))

    async def _pieces(self, request: LlmRequest) -> AsyncGenerator[TextDelta | LlmReply]:
        body = self._body(request)
        if self._endpoint is Endpoint.CHAT:
            body["stream_options"] = {"include_usage": True}
        with sdk_errors_as_ours(self._api_key):
            async with post_for_events(self._client(), self._endpoint, body) as answer:
                reading = self._reading(self._asked(answer.request_id))
                async for data in answer.data:
                    if text := reading.take(data):
                        yield TextDelta(text)
        yield self._accounted(reading.reply())

    def _reading(self, asked: Asked) -> ChatStream | ResponsesStream:
        return ChatStream(asked) if self._endpoint is Endpoint.CHAT else ResponsesStream(asked)

    def _body(self, request: LlmRequest) -> dict[str, Any]:
        check_messages(request.messages)
        if self._endpoint is Endpoint.CHAT:
            return chat_body(request, self._chosen, self._rules)
        return responses_body(request, self._chosen, self._rules)

    @property
    def _endpoint(self) -> Endpoint:
        return self._chosen.profile.endpoint

    def _asked(self, request_id: str | None) -> Asked:
        return Asked(
            provider=self.provider,
            model=self.model,
            request_id=request_id,
            api_key=self._api_key,
        )

    def _accounted(self, reply: LlmReply) -> LlmReply:
        usage = with_cost(reply.usage, self.provider, reply.model)
        return msgspec.structs.replace(reply, usage=usage)

    def _open(self) -> Any:
        return open_client(self._api_key, self._api_endpoint)
