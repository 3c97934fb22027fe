"""`ModelProfile`: the rules for one model."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

import msgspec

from llmbus.shared import AgentType

__all__ = ["Endpoint", "ModelProfile", "Sampling", "Thinking", "WhenRetired"]

WhenRetired = Literal["replace", "refuse"]
"""What becomes of a request for a retired model: its replacement answers, or nobody does."""


class Endpoint(StrEnum):
    """Which API of the vendor serves the model."""

    MESSAGES = "messages"
    CHAT = "chat"
    RESPONSES = "responses"
    GENERATE_CONTENT = "generate_content"


class Sampling(StrEnum):
    """Whether the model takes `temperature`, `top_p` and their like."""

    YES = "yes"
    ONE = "one-of-temperature-and-top-p"
    WITHOUT_THINKING = "without-thinking"
    """Only while thinking is off; else 400."""
    IGNORED = "ignored"
    """Accepted, without effect."""
    NEVER = "never"
    """Rejected with 400."""


class Thinking(StrEnum):
    """Whether the model thinks before it answers."""

    NONE = "none"
    OPTIONAL = "optional"
    """Off unless asked for."""
    DEFAULT = "default"
    """On unless turned off."""
    ALWAYS = "always"


class ModelProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules for one model, or for all whose names begin alike."""

    agent_type: AgentType
    endpoint: Endpoint
    limit_parameter: str
    """What the endpoint calls the most tokens to answer with."""
    sampling: Sampling
    thinking: Thinking
    source: str
    """Where these facts come from."""
    temperature_max: float = 2.0
    default_output_tokens: int | None = None
    """What to ask for where the endpoint wants a number and the request has none."""
    max_output_tokens: int | None = None
    """The most the model can write; None where we know of no limit."""
    api_version: str | None = None
    """The version of the API under which `sampling` holds, where it depends on one."""
    thinking_style: Literal["budget", "adaptive", "effort", "level"] | None = None
    thinking_off: str | None = None
    """The value that turns thinking off; None if it cannot be."""
    prefill: bool = False
    """Whether the last message may be the beginning of the answer."""
    forced_tool_choice: bool = True
    """Whether a tool can be made compulsory."""
    thought_signatures: bool = False
    """Whether a tool call that is sent back must carry the signature it came with."""
    retires: date | None = None
    """The first day on which the vendor no longer serves it; None if none is announced."""
    replacement: str | None = None
    family: str = ""

    def is_retired(self, today: date) -> bool:
        """Whether the vendor has shut it down."""
        return self.retires is not None and self.retires <= today
