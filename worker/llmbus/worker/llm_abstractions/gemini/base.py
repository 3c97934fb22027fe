"""What asking Gemini has in common by either SDK."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing
from typing import ClassVar, Final, Protocol

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.base_llm import BaseLlm, LlmReply, LlmRequest, TextDelta
from llmbus.worker.llm_abstractions.clients import SdkClient, close_client, shared_client
from llmbus.worker.llm_abstractions.errors import AccountError
from llmbus.worker.llm_abstractions.gemini.answers import GeneratedAnswer
from llmbus.worker.llm_abstractions.gemini.config import config_of
from llmbus.worker.llm_abstractions.gemini.contents import contents_of
from llmbus.worker.llm_abstractions.gemini.question import GeminiQuestion
from llmbus.worker.llm_abstractions.profiles import builtin_profiles
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules, configured_rules
from llmbus.worker.llm_abstractions.time_limits import stream_within_time_limit, within_time_limit

__all__ = ["GeminiBase", "GeminiConnection"]

_ADDRESS_VARIABLE: Final = "GOOGLE_GEMINI_BASE_URL"


class GeminiConnection(SdkClient, Protocol):
    """What an SDK does for us: one request, and the JSON of its answer. Raises `LlmError`s."""

    async def generate(self, question: GeminiQuestion) -> str:
        """The body of the whole answer."""
        ...

    def stream(self, question: GeminiQuestion) -> AsyncGenerator[str]:
        """The bodies of the answer's pieces. Closing it ends the call."""
        ...


class GeminiBase(BaseLlm):
    """A model of Google's Gemini API, by an SDK that a subclass chooses."""

    provider = AgentType.GOOGLE_GEMINI.value
    SUPPORTED_MODELS: ClassVar[tuple[str, ...]] = tuple(
        builtin_profiles().supported_models(AgentType.GOOGLE_GEMINI)
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
        self._chosen: Final = self._rules.choose(AgentType.GOOGLE_GEMINI, model)
        super().__init__(self._chosen.name)
        self._api_key: Final = api_key
        if not (api_key.isascii() and api_key.isprintable()):
            raise AccountError("the Gemini API key holds characters that no header can carry")
        self._api_endpoint: Final = api_endpoint or None

    async def generate(self, request: LlmRequest) -> LlmReply:
        """See `BaseLlm.generate`."""
        question = self._question(request)
        answer = self._answer()
        async with within_time_limit(request):
            body = await self._connection().generate(question)
        answer.add(body)
        return answer.reply()

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

    @abstractmethod
    def _open(self, api_key: str, address: str | None) -> GeminiConnection:
        """A connection for the running event loop; None is Google's own address."""

    async def _pieces(self, request: LlmRequest) -> AsyncGenerator[TextDelta | LlmReply]:
        question = self._question(request)
        answer = self._answer()
        with answer.broken_off_as_unknown():
            async with aclosing(self._connection().stream(question)) as pieces:
                async for piece in pieces:
                    if text := answer.add(piece):
                        yield TextDelta(text)
        yield answer.reply()

    def _question(self, request: LlmRequest) -> GeminiQuestion:
        system_instruction, contents = contents_of(request.messages, self._chosen.profile)
        return GeminiQuestion(
            model=self.model,
            contents=contents,
            system_instruction=system_instruction,
            config=config_of(request, self._chosen, self._rules),
            timeout_seconds=request.timeout_seconds,
        )

    def _answer(self) -> GeneratedAnswer:
        return GeneratedAnswer(provider=self.provider, model=self.model)

    def _address(self) -> str | None:
        return self._api_endpoint or os.environ.get(_ADDRESS_VARIABLE) or None

    def _identity(self) -> Hashable:
        return (type(self), self._api_key, self._address())

    def _connection(self) -> GeminiConnection:
        return shared_client(self._identity(), lambda: self._open(self._api_key, self._address()))
