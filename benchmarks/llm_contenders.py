"""One call to a model, through the LLM layer and through the bare SDK on its best transport."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions import LlmFactory, LlmRequest

__all__ = ["APIS", "Api", "Ask", "bare_sdk", "llm_layer"]

Ask = Callable[[str], Awaitable[str]]
"""A prompt in, the text of the answer out."""
_MAX_TOKENS: Final = 200


class Api:
    """One API of one vendor."""

    def __init__(
        self,
        agent_type: AgentType,
        model: str,
        bare: Callable[[str], AbstractAsyncContextManager[Ask]],
    ) -> None:
        self.agent_type: Final = agent_type
        self.model: Final = model
        self.bare: Final = bare


@asynccontextmanager
async def llm_layer(api: Api) -> AsyncGenerator[Ask]:
    """As a worker asks."""
    await LlmFactory.load(api.agent_type)
    llm = LlmFactory.get_provider(api.agent_type, api.model)

    async def ask(prompt: str) -> str:
        message = {"role": "user", "content": prompt}
        request = LlmRequest(messages=[message], max_tokens=_MAX_TOKENS, timeout_seconds=60.0)
        return (await llm.generate(request)).text

    yield ask
    await LlmFactory.aclose()


@asynccontextmanager
async def bare_sdk(api: Api) -> AsyncGenerator[Ask]:
    """As a program without the layer asks."""
    async with api.bare(api.model) as ask:
        yield ask


@asynccontextmanager
async def _anthropic(model: str) -> AsyncGenerator[Ask]:
    import anthropic

    async with anthropic.AsyncAnthropic(
        max_retries=0, http_client=anthropic.DefaultAioHttpClient()
    ) as client:

        async def ask(prompt: str) -> str:
            message = await client.messages.create(
                model=model,
                max_tokens=_MAX_TOKENS,
                messages=[{"role": "user", "content": prompt}],
                timeout=60.0,
            )
            return "".join(block.text for block in message.content if block.type == "text")

        yield ask


@asynccontextmanager
async def _openai_client() -> AsyncGenerator[Any]:
    import openai

    async with openai.AsyncOpenAI(
        max_retries=0, http_client=openai.DefaultAioHttpClient()
    ) as client:
        yield client


@asynccontextmanager
async def _openai_chat(model: str) -> AsyncGenerator[Ask]:
    async with _openai_client() as client:

        async def ask(prompt: str) -> str:
            done = await client.chat.completions.create(
                model=model,
                max_completion_tokens=_MAX_TOKENS,
                messages=[{"role": "user", "content": prompt}],
                timeout=60.0,
            )
            return str(done.choices[0].message.content)

        yield ask


@asynccontextmanager
async def _openai_responses(model: str) -> AsyncGenerator[Ask]:
    async with _openai_client() as client:

        async def ask(prompt: str) -> str:
            done = await client.responses.create(
                model=model,
                max_output_tokens=_MAX_TOKENS,
                input=[{"role": "user", "content": prompt}],
                store=False,
                timeout=60.0,
            )
            return str(done.output_text)

        yield ask


@asynccontextmanager
async def _gemini(model: str) -> AsyncGenerator[Ask]:
    from google import genai
    from google.genai import types

    options = types.HttpOptions(timeout=60_000, retry_options=types.HttpRetryOptions(attempts=1))
    client: Any = genai.Client(http_options=options).aio
    async with client:

        async def ask(prompt: str) -> str:
            answer = await client.models.generate_content(
                model=model,
                contents=prompt,
                config=types.GenerateContentConfig(max_output_tokens=_MAX_TOKENS),
            )
            return str(answer.text)

        yield ask


APIS: Final[Mapping[str, Api]] = {
    "anthropic": Api(AgentType.ANTHROPIC_CLAUDE, "claude-haiku-5-5", _anthropic),
    "openai chat": Api(AgentType.OPENAI_GPT, "gpt-4o", _openai_chat),
    "openai responses": Api(AgentType.OPENAI_GPT, "gpt-6-luna", _openai_responses),
    "gemini": Api(AgentType.GOOGLE_GEMINI, "gemini-3.8-flash", _gemini),
}
