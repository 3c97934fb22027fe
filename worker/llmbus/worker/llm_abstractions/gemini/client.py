"""The connection to Gemini by `google-genai`: a client that asks once and repeats nothing."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from importlib import import_module
from typing import Any, Final, TypedDict
from urllib.request import getproxies

import aiohttp
import httpx2
import pydantic
from google import genai
from google.genai import types

from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.gemini.errors import sdk_errors_as_ours
from llmbus.worker.llm_abstractions.gemini.question import GeminiQuestion

__all__ = ["GeminiClient"]

# What the SDK does at its first call, 130 ms on the event loop. Here it happens in the thread of
# `LlmFactory.load`.
import_module("httpcore2")
for _message in (types.Content, types.GenerateContentConfig, types.GenerateContentResponse):
    _message()

_CONNECT_SECONDS: Final = 10.0
_IDLE_SECONDS: Final = 5.0
"""Idle connections go soon, because writing on one that the server is closing leaves the outcome
unknown."""
_READ_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""As in the session that google-genai opens for itself."""


_ONE_REQUEST_PER_CALL: Final[dict[str, object]] = {
    "automatic_continuation": False,
    "automatic_function_calling": types.AutomaticFunctionCallingConfig(disable=True),
}
"""Left to itself, the SDK goes on asking when Gemini 4 cuts a long answer, and calls functions."""
_opened: ContextVar[list[aiohttp.ClientResponse] | None] = ContextVar("_opened", default=None)
"""Where the answer to the request that is being sent is noted down, if that is wanted."""


class _Connector(aiohttp.TCPConnector):
    """Gives up on connecting in time. The SDK's own time limit is for the whole request, and
    without one it has none for connecting either."""

    async def connect(
        self, req: Any, traces: Any, timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        limited = aiohttp.ClientTimeout(total=timeout.total, sock_connect=_CONNECT_SECONDS)
        return await super().connect(req, traces, limited)


class GeminiClient:
    """For one event loop, key and address. Without `address` the SDK's GOOGLE_GEMINI_BASE_URL
    counts, else Google's own address."""

    def __init__(self, api_key: str, address: str | None) -> None:
        self._api_key: Final = api_key
        self._session: Final = _open_session()
        trust = httpx2.create_ssl_context()
        options = types.HttpOptions(
            base_url=address,
            # Unset, the SDK sends again by itself, after seconds, what met a broken connection.
            retry_options=types.HttpRetryOptions(attempts=1),
            aiohttp_client=self._session,
            client_args={"verify": trust},  # three contexts, 50 ms of CPU, if it is not given
            # Following a redirect would be a second request after one that may have been billed.
            async_client_args={"verify": trust, "ssl": trust, "allow_redirects": False},
        )
        self._client: Final = genai.Client(
            vertexai=False, api_key=api_key, http_options=options, debug_config=_NO_REPLAY
        )
        self._models: Final[Any] = self._client.aio.models  # its types are not complete

    async def generate(self, question: GeminiQuestion) -> str:
        """Unparsed, because the SDK's parsed form hides what is wrong with an answer: it has None
        for whatever is missing (google-genai 3.4)."""
        call = _call(question)
        call["config"].should_return_http_response = True
        with sdk_errors_as_ours(self._api_key):
            response = await self._models.generate_content(**call)
        raw = response.sdk_http_response
        return (raw and raw.body) or ""

    async def stream(self, question: GeminiQuestion) -> AsyncGenerator[str]:
        """Closing it closes the connection."""
        call = _call(question)
        opened: list[aiohttp.ClientResponse] = []
        with sdk_errors_as_ours(self._api_key):
            pieces = await self._models.generate_content_stream(**call)
            try:
                before = _opened.set(opened)
                try:
                    piece = await anext(pieces, None)  # this sends the request
                finally:
                    _opened.reset(before)
                while piece is not None:
                    yield piece.model_dump_json(
                        by_alias=True, exclude_none=True, exclude={"sdk_http_response"}
                    )
                    piece = await anext(pieces, None)
            finally:
                # The SDK's generators leave this to the garbage collector (google-genai 3.4),
                # while the model goes on writing an answer that nobody reads, at our expense.
                for response in opened:
                    response.close()
                await pieces.aclose()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aio.aclose()
        self._client.close()
        await self._session.close()


_NO_REPLAY: Final = genai.client.DebugConfig(
    client_mode=None, replays_directory=None, replay_id=None
)


def _open_session() -> aiohttp.ClientSession:
    tracing = aiohttp.TraceConfig()
    tracing.on_request_end.append(_note_down)
    return aiohttp.ClientSession(
        connector=_Connector(limit=0, keepalive_timeout=_IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=_READ_BUFFER_BYTES,
        trace_configs=[tracing],
        # Looked up once: aiohttp asks for proxies, and for .netrc, in two threads at every request.
        trust_env=bool(getproxies()),
    )


async def _note_down(
    _session: aiohttp.ClientSession, _context: Any, end: aiohttp.TraceRequestEndParams
) -> None:
    opened = _opened.get()
    if opened is not None:
        opened.append(end.response)


class _Call(TypedDict):
    model: str
    contents: list[types.Content]
    config: types.GenerateContentConfig


def _call(question: GeminiQuestion) -> _Call:
    try:
        return _Call(
            model=question.model,
            contents=[types.Content.model_validate(content) for content in question.contents],
            config=types.GenerateContentConfig.model_validate(
                {
                    "store": False,
                    **question.config,
                    **_ONE_REQUEST_PER_CALL,
                    "system_instruction": question.system_instruction,
                    "http_options": _time_limit(question.timeout_seconds),
                }
            ),
        )
    except pydantic.ValidationError as error:
        raise RequestRejectedError(_first_problem(error)) from None


def _time_limit(seconds: float | None) -> types.HttpOptions | None:
    """In milliseconds; the SDK tells it to the server, too, which then stops."""
    return None if seconds is None else types.HttpOptions(timeout=max(math.ceil(seconds * 1000), 1))


def _first_problem(error: pydantic.ValidationError) -> str:
    """Without the value, which may be long, or secret."""
    problem = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
