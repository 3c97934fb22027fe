"""Bytes to tasks and results and back: the only encoder of the project.

JSON by default, because people read it in the management page and other languages write it;
MessagePack where the content type says so. Unknown fields are ignored.
"""

from __future__ import annotations

from typing import Final

import msgspec

from llmbus.shared.errors import BodyTooLargeError, InvalidTaskError, UnsupportedSchemaError
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import SCHEMA_VERSION, AgentTask

__all__ = [
    "JSON",
    "MAX_BODY_BYTES",
    "MSGPACK",
    "decode_result",
    "decode_task",
    "encode_result",
    "encode_task",
]

JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""Larger bodies stall the event loop (45 to 186 ms each) and RabbitMQ 4 refuses them at 16 MiB."""

_ENCODE: Final = {JSON: msgspec.json.encode, MSGPACK: msgspec.msgpack.encode}
_DECODE_TASK: Final = {
    JSON: msgspec.json.Decoder(AgentTask).decode,
    MSGPACK: msgspec.msgpack.Decoder(AgentTask).decode,
}
_DECODE_RESULT: Final = {
    JSON: msgspec.json.Decoder(ExecutionResult).decode,
    MSGPACK: msgspec.msgpack.Decoder(ExecutionResult).decode,
}


class _Versioned(msgspec.Struct):
    schema_version: int = SCHEMA_VERSION


_DECODE_VERSION: Final = {
    JSON: msgspec.json.Decoder(_Versioned).decode,
    MSGPACK: msgspec.msgpack.Decoder(_Versioned).decode,
}


def encode_task(task: AgentTask, content_type: str = JSON) -> bytes:
    """The body for this task. What it returns can be read back: a field that was set to a wrong
    type after construction is found here (`InvalidTaskError`), before anything is sent."""
    task.validate()
    body = _encode(task, content_type, task.task_id)
    decode_task(body, content_type)
    return body


def encode_result(result: ExecutionResult, content_type: str = JSON) -> bytes:
    """The body for this result; `BodyTooLargeError` over 8 MiB."""
    return _encode(result, content_type, result.task_id)


def decode_task(body: bytes, content_type: str | None = JSON) -> AgentTask:
    """The task in this body. `UnsupportedSchemaError` for another version, `InvalidTaskError`
    for anything else that cannot be read, `BodyTooLargeError` over 8 MiB."""
    known = _known(content_type)
    try:
        _check_size(body, "the body")
        return _DECODE_TASK[known](body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _decode_failure(body, known, error) from error


def decode_result(body: bytes, content_type: str | None = JSON) -> ExecutionResult:
    """The result in this body; errors as for `decode_task`."""
    known = _known(content_type)
    try:
        _check_size(body, "the body")
        return _DECODE_RESULT[known](body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _decode_failure(body, known, error) from error


def _encode(value: AgentTask | ExecutionResult, content_type: str, task_id: str) -> bytes:
    try:
        body = _ENCODE[_known(content_type)](value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidTaskError(f"task {task_id!r} cannot be encoded: {error}") from error
    _check_size(body, f"task {task_id!r}")
    return body


def _known(content_type: str | None) -> str:
    plain = (content_type or JSON).partition(";")[0].strip().lower()
    if plain == "application/x-msgpack":
        return MSGPACK
    if plain not in _ENCODE:
        raise InvalidTaskError(
            f"content type {content_type!r} is unknown (known: {JSON}, {MSGPACK})"
        )
    return plain


def _check_size(body: bytes, what: str) -> None:
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError(
            f"{what} takes {len(body):,} bytes, the limit is {MAX_BODY_BYTES:,}:"
            " put large material elsewhere and pass a reference to it"
        )


def _decode_failure(body: bytes, content_type: str, error: Exception) -> Exception:
    """A newer version may have changed any field, so the version is the better reason."""
    try:
        version = _DECODE_VERSION[content_type](body).schema_version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        version = SCHEMA_VERSION
    if version != SCHEMA_VERSION:
        return UnsupportedSchemaError(
            f"schema_version {version} is unknown here (known: {SCHEMA_VERSION}):"
            " upgrade llmbus on the side that reads it"
        )
    return InvalidTaskError(f"the body cannot be read: {error}")
