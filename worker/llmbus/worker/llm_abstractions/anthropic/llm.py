"""Anthropic's models through the official SDK, by the Messages API."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Hashable
from typing import Any, ClassVar, Final

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.anthropic.answers import Asked, reply_from_body
from llmbus.worker.llm_abstractions.anthropic.body import prepare
from llmbus.worker.llm_abstractions.anthropic.sdk import (
    open_client,
    post,
    post_for_events,
    sdk_errors_as_ours,
)
from llmbus.worker.llm_abstractions.anthropic.stream import MessageStream
from llmbus.worker.llm_abstractions.base_llm import BaseLlm, LlmReply, LlmRequest, TextDelta
from llmbus.worker.llm_abstractions.clients import close_client, shared_client
from llmbus.worker.llm_abstractions.errors import AccountError, MissingApiKeyError
from llmbus.worker.llm_abstractions.profiles import builtin_profiles
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules, configured_rules
from llmbus.worker.llm_abstractions.time_limits import stream_within_time_limit, within_time_limit

__all__ = ["AnthropicLlm"]


class AnthropicLlm(BaseLlm):
    """A Claude model. Without `api_endpoint` the SDK's `ANTHROPIC_BASE_URL` counts, else
    Anthropic's own address.

    A model that is not in `SUPPORTED_MODELS` is asked by the newest rules; a retired one by its
    replacement, unless LLMBUS_RETIRED_MODELS says otherwise.
    """

    agent_type: ClassVar[AgentType] = AgentType.ANTHROPIC_CLAUDE
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
        """Raises `MissingApiKeyError` for an empty key: the SDK would only notice at the first
        call."""
        self._rules: Final = rules or configured_rules()
        self._chosen: Final = self._rules.choose(self.agent_type, model)
        super().__init__(self._chosen.name)
        if not api_key:
            raise MissingApiKeyError(f"no API key for {self.provider}: set ANTHROPIC_API_KEY")
        if not (api_key.isascii() and api_key.isprintable()):
            raise AccountError(
                f"the API key for {self.provider} holds characters that no HTTP header can carry"
            )
        self._api_key: Final = api_key
        self._api_endpoint: Final = api_endpoint or None

    async def generate(self, request: LlmRequest) -> LlmReply:
        """See `BaseLlm.generate`."""
        asking = prepare(request, self._chosen, self._rules)
        async with within_time_limit(request):
            with sdk_errors_as_ours(self._api_key):
                answer = await post(self._client(), asking.body, asking.api_version)
        return reply_from_body(answer.body, self._asked(answer.request_id))

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
        asking = prepare(request, self._chosen, self._rules)
        with sdk_errors_as_ours(self._api_key):
            async with post_for_events(self._client(), asking.body, asking.api_version) as answer:
                reading = MessageStream(self._asked(answer.request_id))
                async for data in answer.data:
                    if text := reading.take(data):
                        yield TextDelta(text)
        yield reading.reply()

    def _asked(self, request_id: str | None) -> Asked:
        return Asked(
            provider=self.provider,
            model=self.model,
            request_id=request_id,
            api_key=self._api_key,
        )

    def _identity(self) -> Hashable:
        address = self._api_endpoint or os.environ.get("ANTHROPIC_BASE_URL")
        return (self.provider, self._api_key, address)

    def _client(self) -> Any:
        return shared_client(
            self._identity(), lambda: open_client(self._api_key, self._api_endpoint)
        )
