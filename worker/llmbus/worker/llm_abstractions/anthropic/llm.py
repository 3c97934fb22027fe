"""Anthropic's models through the official SDK, by the Messages API."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, ClassVar

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.anthropic.answers import reply_from_body
from llmbus.worker.llm_abstractions.anthropic.body import prepare
from llmbus.worker.llm_abstractions.anthropic.sdk import (
    open_client,
    post,
    post_for_events,
    sdk_errors_as_ours,
)
from llmbus.worker.llm_abstractions.anthropic.stream import MessageStream
from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply, LlmRequest, TextDelta
from llmbus.worker.llm_abstractions.errors import MissingApiKeyError
from llmbus.worker.llm_abstractions.profiles import builtin_profiles
from llmbus.worker.llm_abstractions.sdk_llm import SdkLlm
from llmbus.worker.llm_abstractions.time_limits import within_time_limit

__all__ = ["AnthropicLlm"]


class AnthropicLlm(SdkLlm[Any]):
    """A Claude model. Without `api_endpoint` the SDK's `ANTHROPIC_BASE_URL` counts, else
    Anthropic's own address.

    A model that is not in `SUPPORTED_MODELS` is asked by the newest rules; a retired one by its
    replacement, unless LLMBUS_RETIRED_MODELS says otherwise. An empty key is a
    `MissingApiKeyError`.
    """

    agent_type: ClassVar[AgentType] = AgentType.ANTHROPIC_CLAUDE
    provider = agent_type.value
    address_variable: ClassVar[str | None] = "ANTHROPIC_BASE_URL"
    SUPPORTED_MODELS: ClassVar[tuple[str, ...]] = tuple(
        builtin_profiles().supported_models(agent_type)
    )
    """Models whose rules are known, by the beginnings of their names."""

    async def generate(self, request: LlmRequest) -> LlmReply:
        """See `BaseLlm.generate`."""
        asking = prepare(request, self._chosen, self._rules)
        async with within_time_limit(request):
            with sdk_errors_as_ours(self._api_key):
                answer = await post(self._client(), asking.body, asking.api_version)
        return reply_from_body(answer.body, self._asked(answer.request_id))

    async def _pieces(self, request: LlmRequest) -> AsyncGenerator[TextDelta | LlmReply]:
        asking = prepare(request, self._chosen, self._rules)
        with sdk_errors_as_ours(self._api_key):
            async with post_for_events(self._client(), asking.body, asking.api_version) as answer:
                reading = MessageStream(self._asked(answer.request_id))
                async for data in answer.data:
                    if text := reading.take(data):
                        yield TextDelta(text)
        yield reading.reply()

    def _check_key(self, key: str) -> None:
        if not key:
            raise MissingApiKeyError(f"no API key for {self.provider}: set ANTHROPIC_API_KEY")
        super()._check_key(key)

    def _open(self) -> Any:
        return open_client(self._api_key, self._api_endpoint)

    def _asked(self, request_id: str | None) -> Asked:
        return Asked(
            provider=self.provider,
            model=self.model,
            request_id=request_id,
            api_key=self._api_key,
        )
