"""How the simulator answers one call: what a script, an admin call or a line in a prompt says."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from llmbus.shared.errors import InvalidInputError

__all__ = [
    "Behaviour",
    "Body",
    "Connection",
    "Finish",
    "OnlyFor",
    "Stream",
    "Vendor",
    "behaviours_from_json",
]


class Vendor(StrEnum):
    """Whose API was called."""

    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    GEMINI = "gemini"


class Body(StrEnum):
    """What is wrong with the body of an answer."""

    TRUNCATED = "truncated"
    """Half of it, then the connection is closed."""
    INVALID = "invalid"
    """Not JSON, though the header says so."""
    EMPTY = "empty"
    HTML = "html"
    """A page, as a proxy sends one, with status 200."""
    WRONG_SHAPE = "wrong_shape"
    """JSON, but of something else."""


class Connection(StrEnum):
    """What happens to the connection in place of an answer."""

    CLOSED = "closed"
    RESET = "reset"
    HUNG = "hung"
    """Nothing comes, until the caller leaves."""


class Stream(StrEnum):
    """What happens to a streamed answer after `after_events` events."""

    ERROR = "error"
    """The API's own error event, for which `status` and `message` may say what it is."""
    ENDS_EARLY = "ends_early"
    """A clean end, without the event that ends an answer."""
    CUT = "cut"
    """The connection is closed."""
    HANGS = "hangs"
    """Nothing more comes, until the caller leaves."""
    DRIPS = "drips"
    """Complete, but with `drip_seconds` before every event."""


class Finish(StrEnum):
    """Why the model stops."""

    STOP = "stop"
    LENGTH = "length"
    TOOL = "tool"
    REFUSAL = "refusal"
    FILTER = "filter"
    FAILED = "failed"
    """OpenAI's Responses only: status 200 and `"status": "failed"`. Elsewhere as `STOP`."""


class OnlyFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which calls a scripted behaviour is for; what is None fits any."""

    vendor: Vendor | None = None
    model: str | None = None
    """As the caller wrote it."""
    containing: str | None = None
    """A text that stands somewhere in the messages."""

    def fits(self, vendor: Vendor, model: str, prompt: str) -> bool:
        """Whether such a call is meant."""
        return (
            self.vendor in {None, vendor}
            and self.model in {None, model}
            and (self.containing is None or self.containing in prompt)
        )


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a call is answered. What is not said is as usual: a plausible answer, at once."""

    times: int | None = None
    """For how many calls. None: for one if it is scripted, for every call with that prompt if it
    stands in a prompt."""
    only_for: OnlyFor = OnlyFor()

    latency_seconds: float | None = None
    status: int | None = None
    """From 400: an error in the vendor's shape."""
    error_type: str | None = None
    """The vendor's word for the error: `error.type` (Anthropic, OpenAI), `error.status` (Gemini);
    None for the usual one of this status."""
    error_code: str | None = None
    """OpenAI's `error.code`, such as `insufficient_quota`; the `reason` in Gemini's details."""
    message: str | None = None
    retry_after: float | str | None = None
    """Seconds or an HTTP date: a header, or a RetryInfo for Gemini, which takes seconds only."""
    headers: Mapping[str, str] = {}

    body: Body | None = None
    connection: Connection | None = None
    stream: Stream | None = None
    after_events: int = 3
    """How many events a failing stream sends first."""
    drip_seconds: float = 0.2

    text: str | None = None
    """What the model answers."""
    finish: Finish | None = None
    tool: str | None = None
    """The function that `Finish.TOOL` calls; None for the first that was offered."""
    tool_arguments: Mapping[str, Any] | str | None = None
    """A str is sent as it is where the API carries text (OpenAI): it may be broken JSON."""
    thinking: bool | None = None
    """Whether the answer begins with thinking; None as the model does."""
    answering_model: str | None = None
    """Another full name of the model that answers."""
    usage: Mapping[str, int] | None = None
    """Replaces some of `input`, `cached`, `output`, `reasoning` (tokens)."""

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1")
        if self.status is not None and not 300 <= self.status <= 599:
            raise ValueError("status must be from 300 to 599")
        if unknown := sorted((self.usage or {}).keys() - _USAGE):
            raise ValueError(f"usage has no {', '.join(unknown)} (has: {', '.join(_USAGE)})")


_USAGE: Final = ("input", "cached", "output", "reasoning")


def behaviours_from_json(text: bytes | str) -> list[Behaviour]:
    """One behaviour or a list of them. `InvalidInputError` says what is wrong."""
    try:
        found = msgspec.json.decode(text, type=list[Behaviour] | Behaviour)
    except (msgspec.DecodeError, ValueError) as error:
        raise InvalidInputError(f"not a behaviour: {error}") from None
    return [found] if isinstance(found, Behaviour) else found
