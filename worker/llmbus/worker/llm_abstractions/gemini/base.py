"""What asking Gemini has in common by either SDK."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import ClassVar, Protocol

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.base_llm import LlmReply, LlmRequest, TextDelta
from llmbus.worker.llm_abstractions.clients import SdkClient
from llmbus.worker.llm_abstractions.gemini.answers import GeneratedAnswer
from llmbus.worker.llm_abstractions.gemini.config import config_of
from llmbus.worker.llm_abstractions.gemini.contents import contents_of
from llmbus.worker.llm_abstractions.gemini.question import GeminiQuestion
from llmbus.worker.llm_abstractions.profiles import builtin_profiles
from llmbus.worker.llm_abstractions.sdk_llm import SdkLlm
from llmbus.worker.llm_abstractions.time_limits import within_time_limit

__all__ = ["GeminiBase", "GeminiConnection"]


class GeminiConnection(SdkClient, Protocol):
    """What an SDK does for us: one request, and the JSON of its answer. Raises `LlmError`s."""

    async def generate(self, question: GeminiQuestion) -> str:
        """The body of the whole answer."""
        ...

    def stream(self, question: GeminiQuestion) -> AsyncGenerator[str]:
        """The bodies of the answer's pieces. Closing it ends the call."""
        ...


class GeminiBase(SdkLlm[GeminiConnection]):
    """A model of Google's Gemini API, by an SDK that a subclass chooses."""

    agent_type: ClassVar[AgentType] = AgentType.GOOGLE_GEMINI
    provider = agent_type.value
    address_variable: ClassVar[str | None] = "GOOGLE_GEMINI_BASE_URL"
    SUPPORTED_MODELS: ClassVar[tuple[str, ...]] = tuple(
        builtin_profiles().supported_models(agent_type)
    )
    """Models whose rules are known, by the beginnings of their names."""

    async def generate(self, request: LlmRequest) -> LlmReply:
        """See `BaseLlm.generate`."""
        question = self._question(request)
        answer = self._answer()
        async with within_time_limit(request):
            body = await self._client().generate(question)
        answer.add(body)
        return answer.reply()

    async def _pieces(self, request: LlmRequest) -> AsyncGenerator[TextDelta | LlmReply]:
        question = self._question(request)
        answer = self._answer()
        with answer.broken_off_as_unknown():
            async with aclosing(self._client().stream(question)) as pieces:
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
