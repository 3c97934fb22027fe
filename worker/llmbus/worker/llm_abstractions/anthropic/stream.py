"""What the Messages API answers in pieces, put together. Needs no SDK."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.anthropic.answers import (
    StopDetails,
    read_usage,
    reply_of,
)
from llmbus.worker.llm_abstractions.anthropic.errors import ErrorWords, error_in_stream
from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply

__all__ = ["MessageStream"]


class _Start(msgspec.Struct):
    model: str | None = None
    usage: dict[str, Any] | None = None


class _Delta(msgspec.Struct):
    """Of a block, or of the whole message."""

    type: str | None = None
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    stop_reason: str | None = None
    stop_details: StopDetails | None = None


class _Event(msgspec.Struct):
    type: str
    index: int = 0
    message: _Start | None = None
    content_block: dict[str, Any] | None = None
    delta: _Delta | None = None
    usage: dict[str, Any] | None = None
    error: ErrorWords | None = None


_EVENTS: Final = msgspec.json.Decoder(_Event)
_FIELDS: Final = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}
"""Where the piece stands, by the type of the delta."""


class _Block:
    """A block as it began, and what was added to each of its fields."""

    def __init__(self, beginning: dict[str, Any]) -> None:
        self._beginning: Final = beginning
        self._added: Final[dict[str, list[str]]] = {}

    def add(self, field: str, piece: str) -> None:
        self._added.setdefault(field, []).append(piece)

    def whole(self) -> dict[str, Any]:
        block = dict(self._beginning)
        for field, pieces in self._added.items():
            if field == "partial_json":
                block["input"] = "".join(pieces) or block.get("input")
            else:
                block[field] = (block.get(field) or "") + "".join(pieces)
        return block


class MessageStream:
    """Puts the events of one streamed message together."""

    def __init__(self, asked: Asked) -> None:
        self._asked: Final = asked
        self._model: str = asked.model
        self._blocks: Final[dict[int, _Block]] = {}
        self._usage: Final[dict[str, Any]] = {}
        self._stop_reason: str | None = None
        self._stop_details: StopDetails | None = None
        self._begun = False

    def take(self, data: bytes) -> str:
        """The text in the data of one event. Raises an `LlmError` for an error that it tells of,
        and for data that makes no sense."""
        try:
            event = _EVENTS.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._asked.no_answer(
                f"an event of the stream makes no sense ({error}):"
                f" {self._asked.beginning_of(data)}",
                self._counted(),
            ) from None
        match event.type:
            case "message_start" if event.message:
                self._model = event.message.model or self._model
                self._usage.update(event.message.usage or {})
            case "content_block_start":
                return self._start_block(event)
            case "content_block_delta" if event.delta:
                return self._add_to_block(event.index, event.delta)
            case "message_delta":
                self._end(event)
            case "error":
                raise self._failed(event.error or ErrorWords())
            case _:
                pass  # pings, and what later versions of the API may add
        return ""

    def reply(self) -> LlmReply:
        """The whole, once the stream has ended; as `reply_from_body`. A stream that ended before
        its stop reason is an `OutcomeUnknownError`."""
        if self._stop_reason is None:
            raise self._asked.no_answer("the stream ended before the answer did", self._counted())
        return reply_of(
            [self._blocks[index].whole() for index in sorted(self._blocks)],
            self._stop_reason,
            self._stop_details,
            asked=self._asked,
            model=self._model,
            usage=self._counted(),
        )

    def _start_block(self, event: _Event) -> str:
        beginning = event.content_block or {}
        self._blocks[event.index] = _Block(beginning)
        text = beginning.get("text") if beginning.get("type") == "text" else None
        self._begun = self._begun or bool(text)
        return text if isinstance(text, str) else ""

    def _add_to_block(self, index: int, delta: _Delta) -> str:
        field = _FIELDS.get(delta.type or "")
        if field is None:  # such as citations
            return ""
        self._begun = True
        self._blocks.setdefault(index, _Block({"type": "text"})).add(field, getattr(delta, field))
        return delta.text

    def _end(self, event: _Event) -> None:
        if event.delta is not None:
            self._stop_reason = event.delta.stop_reason or self._stop_reason
            self._stop_details = event.delta.stop_details or self._stop_details
        counts = event.usage or {}  # cumulative; what it leaves out was said at the start
        self._usage.update({name: count for name, count in counts.items() if count is not None})

    def _failed(self, words: ErrorWords) -> Exception:
        return error_in_stream(
            words,
            api_key=self._asked.api_key,
            request_id=self._asked.request_id,
            usage=self._counted(),
            begun=self._begun,
        )

    def _counted(self) -> Usage | None:
        raw = msgspec.json.encode(self._usage)
        return read_usage(raw, self._asked.provider, self._model)
