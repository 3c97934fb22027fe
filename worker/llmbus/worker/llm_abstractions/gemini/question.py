"""`GeminiQuestion`: a request to Gemini before it takes the form of one of the SDKs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

__all__ = ["GeminiQuestion"]


class GeminiQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """The names within are those that both SDKs use; data is bytes."""

    model: str
    contents: Sequence[Mapping[str, Any]]
    system_instruction: Mapping[str, Any] | None
    config: Mapping[str, Any]
    """Fields of `GenerateContentConfig` in google-genai 3.4."""
    timeout_seconds: float | None = None
