"""The connection to Gemini by `google-generativeai`: its own gRPC client, without its globals."""

# The SDK's lower layers say nothing about their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import contextmanager
from typing import Any, Final

import grpc  # type: ignore[import-untyped]
from google.ai import generativelanguage_v1beta as generativelanguage
from google.ai.generativelanguage_v1beta.services.generative_service.transports import (
    GenerativeServiceGrpcAsyncIOTransport,
)
from google.api_core import exceptions as sdk_errors
from google.protobuf import json_format  # type: ignore[import-untyped]
from google.rpc import error_details_pb2  # type: ignore[import-untyped]

from llmbus.worker.llm_abstractions.errors import (
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.gemini.legacy_request import legacy_request
from llmbus.worker.llm_abstractions.gemini.question import GeminiQuestion
from llmbus.worker.llm_abstractions.gemini.refusals import Quota, Refusal
from llmbus.worker.llm_abstractions.redaction import without_secrets

__all__ = ["LegacyGeminiClient", "sdk_errors_as_ours"]

_GOOGLE: Final = "generativelanguage.googleapis.com:443"
_CHANNEL_OPTIONS: Final = (
    ("grpc.enable_retries", 0),  # the bus is the only retry authority
    ("grpc.service_config_disable_resolution", 1),  # nor may a DNS entry turn them on
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
)
_NEVER_CONNECTED: Final = re.compile(
    r"failed to connect to all addresses|errors? resolving|DNS resolution failed", re.I
)
_CONNECTION_LOST: Final = re.compile(
    r"socket closed|stream removed|connection (reset|closed|aborted|timed out)|broken pipe|goaway"
    r"|rst_stream|cancelling all calls|transport closed|endpoint closing|keepalive|recvmsg|sendmsg",
    re.I,
)
"""Of gRPC itself (grpcio 1.85), which reports a lost connection by the same status codes that a
server uses to say no."""


class LegacyGeminiClient:
    """For one event loop, key and address.

    The address is `host:port`, by TLS, or `http://host:port` without it.
    """

    def __init__(self, api_key: str, address: str | None) -> None:
        self._channel: Final = _channel(address or _GOOGLE)
        self._service: Final = generativelanguage.GenerativeServiceAsyncClient(
            transport=GenerativeServiceGrpcAsyncIOTransport(channel=self._channel)
        )
        self._api_key: Final = api_key
        # The SDK's own way to send the key works over TLS only.
        self._metadata: Final = (("x-goog-api-key", api_key),)

    async def generate(self, question: GeminiQuestion) -> str:
        """Asked once: the SDK's own retries and time limit, of 10 minutes, are off."""
        request = _message(question)
        with sdk_errors_as_ours(self._api_key):
            response = await self._service.generate_content(
                request, retry=None, timeout=None, metadata=self._metadata
            )
        return _json(response)

    async def stream(self, question: GeminiQuestion) -> AsyncGenerator[str]:
        """Asked once, as `generate`. Closing it ends the call."""
        request = _message(question)
        with sdk_errors_as_ours(self._api_key):
            call: Any = await self._service.stream_generate_content(
                request, retry=None, timeout=None, metadata=self._metadata
            )
            try:
                async for piece in call:
                    yield _json(piece)
            finally:
                call.cancel()

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()


def _channel(address: str) -> Any:
    if address.startswith("http://"):
        target = address.removeprefix("http://").rstrip("/")
        return grpc.aio.insecure_channel(target, options=_CHANNEL_OPTIONS)
    target = address.removeprefix("https://").rstrip("/")
    return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options=_CHANNEL_OPTIONS)


def _message(question: GeminiQuestion) -> Any:
    message = generativelanguage.GenerateContentRequest()
    try:
        json_format.ParseDict(
            legacy_request(question), generativelanguage.GenerateContentRequest.pb(message)
        )
    except json_format.ParseError as error:
        raise RequestRejectedError(f"the older Gemini SDK cannot hold this: {error}") from None
    return message


def _json(response: Any) -> str:
    """As the service answers over HTTP; empty for what gRPC could not read."""
    if response is None:
        return ""
    message = generativelanguage.GenerateContentResponse.pb(response)
    return str(json_format.MessageToJson(message, indent=None))


@contextmanager
def sdk_errors_as_ours(api_key: str) -> Generator[None]:
    """Where the SDK's exceptions become ours, and those that leak through it raw.

    Not chained to the original: it holds the call with the key in its metadata.
    """
    try:
        yield
    except sdk_errors.GoogleAPICallError as error:
        raise _refused_or_lost(error, api_key) from None
    except (sdk_errors.GoogleAPIError, grpc.RpcError, grpc.aio.BaseError, OSError) as error:
        raise _unanswered(f"{type(error).__name__}: {error}", api_key) from None


def _refused_or_lost(error: Any, api_key: str) -> LlmError:
    message = str(error.message)
    said_by_the_server = bool(error.details)
    if not said_by_the_server and _NEVER_CONNECTED.search(message):
        text = without_secrets(message, api_key)
        return ProviderUnavailableError(f"no connection, nothing was sent: {text}")
    if not said_by_the_server and _CONNECTION_LOST.search(message):
        return _unanswered(message, api_key)
    return Refusal(
        http_status=None if error.code is None else int(error.code),
        status=error.grpc_status_code.name if error.grpc_status_code else None,
        message=message,
        reason=error.reason,
        quotas=tuple(_quotas(error.details)),
        retry_after_seconds=_retry_after_seconds(error.details),
    ).to_error(api_key)


def _unanswered(text: str, api_key: str) -> LlmError:
    return OutcomeUnknownError(
        f"sent, but no answer came back: {without_secrets(text, api_key)}", sent=True
    )


def _quotas(details: Iterable[Any]) -> Generator[Quota]:
    for detail in details:
        if isinstance(detail, error_details_pb2.QuotaFailure):
            for violation in detail.violations:
                yield Quota(name=violation.quota_id or violation.subject)


def _retry_after_seconds(details: Iterable[Any]) -> float | None:
    for detail in details:
        if isinstance(detail, error_details_pb2.RetryInfo):
            return float(detail.retry_delay.ToTimedelta().total_seconds())
    return None
