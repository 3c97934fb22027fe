"""OpenAI's chat completions through the official SDK, and the only module that imports it."""

from __future__ import annotations

import os
from collections.abc import Generator, Hashable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

import aiohttp
import httpx2
import openai

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.base_llm import (
    BaseLlm,
    LlmReply,
    LlmRequest,
    within_time_limit,
)
from llmbus.worker.llm_abstractions.clients import close_client, shared_client
from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RequestRejectedError,
    without_secrets,
)
from llmbus.worker.llm_abstractions.openai_answers import error_type_of_answer, reply_from_body
from llmbus.worker.llm_abstractions.retry_after import retry_after_seconds

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

__all__ = ["OpenAILlm", "sdk_errors_as_ours"]

# What the SDK imports at its first call, 100 ms on the event loop. Here it happens in the thread of
# `LlmFactory.load`.
for _module in ("httpcore2", "openai.resources.chat.completions.completions"):
    import_module(_module)

_DEFAULT_MODEL: Final = "gpt-4o"
_LIMITS: Final = httpx2.Limits(max_connections=2_000, keepalive_expiry=5.0)
"""Room for 1,000 calls in flight and as many more. None would not mean unlimited: the SDK's
aiohttp transport then falls back to aiohttp's 100. Idle connections go soon, because writing on
one that the server is closing leaves the outcome unknown."""
_PHASE_LIMITS: Final = httpx2.Timeout(connect=10.0, pool=60.0, write=60.0, read=None)
"""Seconds. Reading has no limit of its own: a model may think for long, and giving up on a call
that is paid for is the caller's decision (`LlmRequest.timeout_seconds`)."""
_UNSUPPORTED_OPTIONS: Final = frozenset(
    {"functions", "max_completion_tokens", "max_tokens", "messages", "model", "n", "stream"}
    | {"temperature", "tools"}
)
"""Fields that have a name in `LlmRequest`, and those whose answers `LlmReply` has no room for."""


class OpenAILlm(BaseLlm):
    """A model of OpenAI. Without `api_endpoint` the SDK's `OPENAI_BASE_URL` counts, else
    OpenAI's own address."""

    provider = AgentType.OPENAI_GPT.value

    def __init__(
        self, model: str | None = None, *, api_key: str, api_endpoint: str | None = None
    ) -> None:
        super().__init__(model or _DEFAULT_MODEL)
        self._api_key: Final = api_key
        if not (self._api_key.isascii() and self._api_key.isprintable()):
            raise AccountError("the OpenAI API key holds characters that no HTTP header can carry")
        self._api_endpoint: Final = api_endpoint or None

    async def generate(self, request: LlmRequest) -> LlmReply:
        """See `BaseLlm.generate`."""
        options = self._options(request)
        async with within_time_limit(request):
            with sdk_errors_as_ours(self._api_key):
                # Raw, because the parsed form hides what is wrong with an answer: it is a `str`
                # for an HTML page and has None for whatever is missing (openai 3.54).
                raw = await self._client().chat.completions.with_raw_response.create(
                    model=self.model,
                    messages=cast("Iterable[ChatCompletionMessageParam]", request.messages),
                    extra_body=options,
                )
        answer = raw.http_response
        return reply_from_body(
            answer.content,
            provider=self.provider,
            model=self.model,
            request_id=answer.headers.get("x-request-id"),
        )

    async def aclose(self) -> None:
        """See `BaseLlm.aclose`."""
        await close_client(self._identity())

    def _options(self, request: LlmRequest) -> dict[str, Any]:
        if unsupported := sorted(_UNSUPPORTED_OPTIONS & request.options.keys()):
            raise RequestRejectedError(f"options cannot hold {', '.join(unsupported)}")
        options = dict(request.options)
        if request.max_tokens is not None:
            options["max_completion_tokens"] = request.max_tokens
        if request.temperature is not None and self._takes_temperature():
            options["temperature"] = request.temperature
        return options

    def _takes_temperature(self) -> bool:
        """Reasoning models answer 400 to any temperature."""
        return self.model.startswith("gpt-4")

    def _identity(self) -> Hashable:
        address = self._api_endpoint or os.environ.get("OPENAI_BASE_URL")
        return (self.provider, self._api_key, address)

    def _client(self) -> openai.AsyncOpenAI:
        return shared_client(self._identity(), self._open_client)

    def _open_client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            api_key=self._api_key,
            base_url=self._api_endpoint,
            max_retries=0,  # the bus is the only retry authority
            timeout=_PHASE_LIMITS,
            # Following a redirect would be a second request after one that may have been billed.
            http_client=openai.DefaultAioHttpClient(
                limits=_LIMITS, timeout=_PHASE_LIMITS, follow_redirects=False
            ),
        )


@contextmanager
def sdk_errors_as_ours(api_key: str) -> Generator[None]:
    """Where the SDK's exceptions become ours, and those that leak through it raw.

    Not chained to the original: it holds the request with the key in its headers, and its text
    may repeat the key.
    """
    try:
        yield
    except openai.APIStatusError as error:
        raise _answered(error, api_key) from None
    except (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, aiohttp.ClientError) as error:
        raise _unanswered(error, api_key) from None
    except OSError as error:
        raise _unanswered(error, api_key) from None
    except (TypeError, UnicodeEncodeError) as error:  # the request cannot be written as JSON
        raise RequestRejectedError(without_secrets(str(error), api_key)) from None


def _answered(error: openai.APIStatusError, api_key: str) -> LlmError:
    return error_type_of_answer(error.status_code, error.code, error.type)(
        without_secrets(error.message, api_key),
        status=error.status_code,
        provider_code=error.code or error.type,
        request_id=error.request_id,
        retry_after_seconds=retry_after_seconds(error.response.headers, datetime.now(UTC)),
        sent=True,
    )


_NEVER_CONNECTED: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,  # the proxy's answer to CONNECT
)
_NO_ADDRESS: Final = (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, httpx2.UnsupportedProtocol)


def _unanswered(error: Exception, api_key: str) -> LlmError:
    """By what lies beneath. The upper classes do not tell: the SDK's aiohttp transport reports a
    server that hung up in the middle of a call as `httpx2.ConnectTimeout` (openai 3.54)."""
    causes = list(_with_causes(error))
    text = without_secrets(f"{type(causes[-1]).__name__}: {causes[-1]}", api_key)
    if any(isinstance(cause, _NO_ADDRESS) for cause in causes):
        return RequestRejectedError(f"the API address cannot be used: {text}")
    if any(isinstance(cause, _NEVER_CONNECTED) for cause in causes):
        return ProviderUnavailableError(f"no connection, nothing was sent: {text}")
    return OutcomeUnknownError(f"sent, but no answer came back: {text}", sent=True)


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Explicit causes only: the context may hold an error of someone else's, handled before."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
