"""Google's Gemini, by either of its SDKs. Each is imported when its name here is asked for: where
one is installed, the other may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmbus.shared.lazy_names import lazy_names

if TYPE_CHECKING:
    from llmbus.worker.llm_abstractions.gemini.legacy_llm import GeminiLegacyLlm
    from llmbus.worker.llm_abstractions.gemini.llm import GeminiLlm

__all__ = ["GeminiLegacyLlm", "GeminiLlm"]

__getattr__ = lazy_names(
    __name__,
    {"GeminiLegacyLlm": f"{__name__}.legacy_llm", "GeminiLlm": f"{__name__}.llm"},
)
