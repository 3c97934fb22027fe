"""What an API has to offer so that the simulator can speak it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec

from llmbus.worker.provider_simulator.answer import Answer
from llmbus.worker.provider_simulator.api_error import ApiError
from llmbus.worker.provider_simulator.behaviour import Vendor
from llmbus.worker.provider_simulator.question import Question
from llmbus.worker.provider_simulator.rules import RulesOfModels

__all__ = ["Call", "Dialect", "bearer", "json_frame", "named_frame"]

_encode: Final = msgspec.json.Encoder().encode


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as far as HTTP goes."""

    path: str
    headers: Mapping[str, str]
    """Their names in lower case."""
    query: Mapping[str, str]
    model_in_path: str = ""
    method_in_path: str = ""
    body: Any
    """The JSON, or the text if it is none; `Dialect.read` gets a JSON object."""


class Dialect(Protocol):
    """One API of one vendor: how it reads requests and writes answers."""

    vendor: Vendor
    api: str
    request_id_header: str
    sends_retry_after: bool
    """Whether `Retry-After` is a header here, and no part of the body."""

    def key(self, call: Call) -> str:
        """The key that came along, or an empty text."""
        ...

    def wrong_key(self, key: str) -> ApiError:
        """For a key that is missing or not accepted."""
        ...

    def too_long(self, tokens: int, most: int) -> ApiError:
        """For a prompt of more tokens than a model can take."""
        ...

    def read(self, call: Call, models: RulesOfModels) -> Question:
        """What is asked. Raises `ApiError` where the service would refuse."""
        ...

    def body(self, answer: Answer) -> Any:
        """The answer as JSON."""
        ...

    def frames(self, question: Question, answer: Answer) -> Iterable[bytes]:
        """The answer as server-sent events; the last one ends it."""
        ...

    def error_body(self, error: ApiError) -> Any:
        """The error as JSON."""
        ...

    def error_frame(self, error: ApiError) -> bytes:
        """The error in the middle of a stream."""
        ...


def json_frame(data: Any) -> bytes:
    """A server-sent event without a name."""
    return b"data: " + _encode(data) + b"\n\n"


def named_frame(data: Mapping[str, Any]) -> bytes:
    """A server-sent event named by the `type` of its data."""
    return b"event: " + str(data["type"]).encode() + b"\ndata: " + _encode(data) + b"\n\n"


def bearer(call: Call) -> str:
    """The key after `Authorization: Bearer`."""
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
