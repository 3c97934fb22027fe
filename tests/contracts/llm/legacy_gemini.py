"""The older Gemini SDK as a subject of the behaviour suite, against a gRPC server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]

from llmbus.shared import FailureKind
from llmbus.worker.llm_abstractions.gemini.legacy_llm import GeminiLegacyLlm
from llmbus.worker.provider_simulator import Body, Connection, Stream
from tests.contracts.llm.subjects import KEY, RemoteSubject
from tests.support.gemini_grpc import GeminiGrpcServer, GrpcAnswer, GrpcRefusal

__all__ = ["LegacyGeminiSubject"]

MODEL = "gemini-3.8-flash"
_TOO_LONG = "The input token count (99999) exceeds the maximum number of tokens allowed (10000)."


def _answer(*parts: Mapping[str, Any], finish: str | None = "STOP") -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": 12,
            "candidatesTokenCount": 5,
            "totalTokenCount": 17,
        },
        "modelVersion": MODEL,
    }


_BY_KIND: dict[FailureKind, GrpcAnswer | GrpcRefusal] = {
    FailureKind.RATE_LIMITED: GrpcRefusal(grpc.StatusCode.RESOURCE_EXHAUSTED),
    FailureKind.UNAVAILABLE: GrpcRefusal(grpc.StatusCode.UNAVAILABLE, "The model is overloaded."),
    FailureKind.OUTCOME_UNKNOWN: GrpcAnswer(raw=b"\xff\xff\xff"),
    FailureKind.CONTEXT_TOO_LONG: GrpcRefusal(grpc.StatusCode.INVALID_ARGUMENT, _TOO_LONG),
    FailureKind.REJECTED: GrpcRefusal(grpc.StatusCode.INVALID_ARGUMENT),
    FailureKind.REFUSED: GrpcAnswer(pieces=(_answer(finish="SAFETY"),)),
    FailureKind.ACCOUNT: GrpcRefusal(grpc.StatusCode.PERMISSION_DENIED),
}


class LegacyGeminiSubject(RemoteSubject):
    """Its stream can be broken in fewer ways than those over HTTP."""

    names_request = False

    def __init__(self, server: GeminiGrpcServer) -> None:
        self._server = server
        self.llm = GeminiLegacyLlm(MODEL, api_key=KEY, api_endpoint=server.address)

    def will_answer(self, text: str, *, after_seconds: float = 0.0) -> None:
        pieces = (_answer({"text": text}),)
        self._server.default = GrpcAnswer(pieces=pieces, delay_seconds=after_seconds)

    def will_fail(self, kind: FailureKind, *, retry_after_seconds: float | None = None) -> None:
        if retry_after_seconds is None:
            self._server.script(_BY_KIND[kind])
            return
        slow_down = grpc.StatusCode.RESOURCE_EXHAUSTED
        self._server.script(GrpcRefusal(slow_down, retry_after_seconds=int(retry_after_seconds)))

    def will_call(self, tool: str, arguments: Mapping[str, Any]) -> None:
        call = {"functionCall": {"name": tool, "args": dict(arguments)}}
        self._server.script(GrpcAnswer(pieces=(_answer(call),)))

    def will_be_cut(self) -> None:
        cut = _answer({"text": "Half a sen"}, finish="MAX_TOKENS")
        self._server.script(GrpcAnswer(pieces=(cut,)))

    def will_break_in_stream(self, how: Stream) -> None:
        first = _answer({"text": "one "}, finish=None)
        broken: Mapping[Stream, GrpcAnswer | GrpcRefusal] = {
            Stream.ERROR: GrpcRefusal(grpc.StatusCode.INTERNAL),
            Stream.ENDS_EARLY: GrpcAnswer(pieces=(first,)),
            Stream.CUT: GrpcAnswer(pieces=(first,), then_stop=True),
            Stream.HANGS: GrpcAnswer(delay_seconds=30),
            Stream.DRIPS: GrpcAnswer(delay_seconds=30),
        }
        self._server.script(broken[how])

    def will_answer_nonsense(self, what: Body | Connection) -> None:
        if isinstance(what, Connection):
            self._server.script(GrpcAnswer(pieces=(), then_stop=True))
        elif what in {Body.EMPTY, Body.WRONG_SHAPE}:
            self._server.script(GrpcAnswer(pieces=({},)))
        else:
            self._server.script(GrpcAnswer(raw=b"\xff\xff\xff"))

    @property
    def calls(self) -> int:
        return len(self._server.received)

    def last_question(self) -> str:
        return str(self._server.received[-1].body)
