"""OpenAI's models through the official SDK, by chat completions or Responses as their profiles
say."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Hashable
from typing import Any, ClassVar, Final

import msgspec

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.accounting import with_cost
from llmbus.worker.llm_abstractions.base_llm import BaseLlm, LlmReply, LlmRequest, TextDelta
from llmbus.worker.llm_abstractions.clients import close_client, shared_client
from llmbus.worker.llm_abstractions.errors import AccountError
from llmbus.worker.llm_abstractions.openai_llm.chat_answers import (
    Asked,
    ChatStream,
    reply_from_body,
)
from llmbus.worker.llm_abstractions.openai_llm.chat_body import chat_body
from llmbus.worker.llm_abstractions.openai_llm.messages import check_messages
from llmbus.worker.llm_abstractions.openai_llm.responses_answers import (
    ResponsesStream,
    reply_from_response,
)
from llmbus.worker.llm_abstractions.openai_llm.responses_body import responses_body
from llmbus.worker.llm_abstractions.openai_llm.sdk import (
    open_client,
    post,
    post_for_events,
    sdk_errors_as_ours,
)
from llmbus.worker.llm_abstractions.profiles import Endpoint, builtin_profiles
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules, configured_rules
from llmbus.worker.llm_abstractions.time_limits import stream_within_time_limit, within_time_limit

__all__ = ["OpenAILlm"]


class OpenAILlm(BaseLlm):
    """A model of OpenAI. Without `api_endpoint` the SDK's `OPENAI_BASE_URL` counts, else
    OpenAI's own address.

    A model that is not in `SUPPORTED_MODELS` is asked by the newest rules; a retired one by its
    replacement, unless LLMBUS_RETIRED_MODELS says otherwise.
    """

    agent_type: ClassVar[AgentType] = AgentType.OPENAI_GPT
    provider = agent_type.value
    SUPPORTED_MODELS: ClassVar[tuple[str, ...]] = tuple(
        builtin_profiles().supported_models(agent_type)
    )
    """Models whose rules are known, by the beginnings of their names."""

    def __init__(
        self,
        model: str | None = None,
        *,
        api_key: str,
        api_endpoint: str | None = None,
        rules: ModelRules | None = None,
    ) -> None:
        self._rules: Final = rules or configured_rules()
        self._chosen: Final = self._rules.choose(self.agent_type, model)
        super().__init__(self._chosen.name)
        self._api_key: Final = api_key
        if not (self._api_key.isascii() and self._api_key.isprintable()):
            raise AccountError(
                f"the API key for {self.provider} holds characters that no HTTP header can carry"
            )
        self._api_endpoint: Final = api_endpoint or None

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

    async def stream(self, request: LlmRequest) -> AsyncGenerator[TextDelta | LlmReply]:
        """See `BaseLlm.stream`."""
        pieces = stream_within_time_limit(self._pieces(request), request)
        try:
            async for piece in pieces:
                yield piece
        finally:
            await pieces.aclose()

    async def aclose(self) -> None:
        """See `BaseLlm.aclose`."""
        await close_client(self._identity())

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
        return Asked(provider=self.provider, model=self.model, request_id=request_id)

    def _accounted(self, reply: LlmReply) -> LlmReply:
        usage = with_cost(reply.usage, self.provider, reply.model)
        return msgspec.structs.replace(reply, usage=usage)

    def _identity(self) -> Hashable:
        address = self._api_endpoint or os.environ.get("OPENAI_BASE_URL")
        return (self.provider, self._api_key, address)

    def _client(self) -> Any:
        return shared_client(
            self._identity(), lambda: open_client(self._api_key, self._api_endpoint)
        )
