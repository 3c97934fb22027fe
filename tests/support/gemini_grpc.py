"""A small Gemini that speaks gRPC, for the real older SDK to talk to: it answers as it is told and
remembers what it was sent.

    async with GeminiGrpcServer() as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.address)
        server.script(GrpcRefusal(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after_seconds=7))

Answers and requests are in the JSON form of the API (`generateContent` over HTTP). With `tls` the
server has a certificate of its own, which the client must be told to trust
(GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, read when gRPC is loaded).
"""

# The SDK's lower layers say nothing about their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self, cast

import grpc  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.ai import generativelanguage_v1beta as generativelanguage
from google.protobuf import any_pb2, duration_pb2, json_format  # type: ignore[import-untyped]
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

__all__ = [
    "GeminiGrpcServer",
    "GrpcAnswer",
    "GrpcReceived",
    "GrpcRefusal",
    "SelfSigned",
    "grpc_generated",
]


def grpc_generated(text: str = "Hello.", **changes: Any) -> dict[str, Any]:
    """An answer; `changes` replace its top-level fields."""
    return {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}
        ],
        "usageMetadata": {
            "promptTokenCount": 12,
            "candidatesTokenCount": 3,
            "totalTokenCount": 17,
            "cachedContentTokenCount": 8,
        },
        "modelVersion": "gemini-a-model-001",
    } | changes


@dataclass(frozen=True, kw_only=True)
class GrpcAnswer:
    """What one request gets: the pieces of a stream, or the first of them."""

    pieces: tuple[Mapping[str, Any], ...] = field(default_factory=lambda: (grpc_generated(),))
    delay_seconds: float = 0.0
    raw: bytes | None = None
    """Sent in place of a message."""
    then_stop: bool = False
    """Whether the server goes away after the pieces, in place of ending the answer."""
    then_wait: bool = False
    """Whether nothing comes after the pieces, not even an end."""


@dataclass(frozen=True)
class GrpcRefusal:
    """A request that is turned down."""

    code: grpc.StatusCode
    message: str = "No."
    reason: str | None = None
    quota: str | None = None
    retry_after_seconds: int | None = None

    def to_status(self) -> status_pb2.Status:
        details: list[Any] = []
        if self.reason:
            details.append(error_details_pb2.ErrorInfo(reason=self.reason))
        if self.quota:
            violation = error_details_pb2.QuotaFailure.Violation(quota_id=self.quota)
            details.append(error_details_pb2.QuotaFailure(violations=[violation]))
        if self.retry_after_seconds is not None:
            delay = duration_pb2.Duration(seconds=self.retry_after_seconds)
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        packed = [any_pb2.Any() for _ in details]
        for place, detail in enumerate(details):
            packed[place].Pack(detail)
        number = cast("int", self.code.value[0])
        return status_pb2.Status(code=number, message=self.message, details=packed)


@dataclass(frozen=True)
class GrpcReceived:
    """One request as it arrived."""

    method: str
    metadata: Mapping[str, str]
    body: dict[str, Any]


class SelfSigned:
    """A key and a certificate for `localhost`, in PEM."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM)
        self.key = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


class GeminiGrpcServer:
    """Answers by the scripted answers in order, then by `default` for ever."""

    def __init__(self, tls: SelfSigned | None = None) -> None:
        self.default: GrpcAnswer | GrpcRefusal = GrpcAnswer()
        self.received: list[GrpcReceived] = []
        self.arrived = asyncio.Event()
        """Set when a request has been read."""
        self.hung_up = asyncio.Event()
        """Set when a client left before its answer."""
        self._script: deque[GrpcAnswer | GrpcRefusal] = deque()
        self._tls = tls
        self._server: Any
        self._stopping: asyncio.Future[None] | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """What `GOOGLE_GEMINI_BASE_URL` has to be."""
        return f"localhost:{self._port}" if self._tls else f"http://127.0.0.1:{self._port}"

    def script(self, *answers: GrpcAnswer | GrpcRefusal) -> None:
        """Answer the next requests like this, one each."""
        self._script.extend(answers)

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((_Service(self._answer),))
        if self._tls:
            credentials = grpc.ssl_server_credentials([(self._tls.key, self._tls.certificate)])
            self._port = self._server.add_secure_port("localhost:0", credentials)
        else:
            self._port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._begin_to_stop()

    def _begin_to_stop(self) -> asyncio.Future[None]:
        """Once: a second stop would be cancelled along with the call that began the first."""
        stopping = self._stopping or asyncio.ensure_future(self._server.stop(None))
        self._stopping = stopping
        return stopping

    async def _answer(self, method: str, request: bytes, context: Any) -> AsyncIterator[bytes]:
        body = generativelanguage.GenerateContentRequest.deserialize(request)
        message = generativelanguage.GenerateContentRequest.pb(body)
        metadata = dict(context.invocation_metadata())
        self.received.append(GrpcReceived(method, metadata, json_format.MessageToDict(message)))
        self.arrived.set()
        answer = self._script.popleft() if self._script else self.default
        if isinstance(answer, GrpcRefusal):
            await _refuse(answer, context)
            return
        try:
            await asyncio.sleep(answer.delay_seconds)
            for piece in answer.pieces:
                yield answer.raw or _serialized(piece)
            if answer.then_wait:
                await asyncio.Event().wait()
        except (asyncio.CancelledError, GeneratorExit):
            self.hung_up.set()
            raise
        if answer.then_stop:
            await asyncio.wait([self._begin_to_stop()])  # which cancels this call, and not the stop


async def _refuse(refusal: GrpcRefusal, context: Any) -> None:
    status = refusal.to_status()
    if status.details:
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    await context.abort(refusal.code, refusal.message)


def _serialized(piece: Mapping[str, Any]) -> bytes:
    message = generativelanguage.GenerateContentResponse()
    json_format.ParseDict(dict(piece), generativelanguage.GenerateContentResponse.pb(message))
    return bytes(generativelanguage.GenerateContentResponse.serialize(message))


class _Service(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, answer: Callable[[str, bytes, Any], AsyncIterator[bytes]]) -> None:
        self._answer = answer

    def service(self, handler_call_details: Any) -> Any:
        method = str(handler_call_details.method).rsplit("/", 1)[-1]

        async def in_pieces(request: bytes, context: Any) -> AsyncIterator[bytes]:
            async for piece in self._answer(method, request, context):
                yield piece

        async def whole(request: bytes, context: Any) -> bytes:
            async for piece in self._answer(method, request, context):
                return piece
            return b""

        if method == "StreamGenerateContent":
            return grpc.unary_stream_rpc_method_handler(in_pieces)
        return grpc.unary_unary_rpc_method_handler(whole)
