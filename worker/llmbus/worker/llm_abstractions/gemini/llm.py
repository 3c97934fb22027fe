"""Google's Gemini through the official SDK, `google-genai`.

Where only the older SDK is installed, `GeminiLegacyLlm` is asked in its place.
"""

from __future__ import annotations

from llmbus.worker.llm_abstractions.gemini.base import GeminiBase, GeminiConnection
from llmbus.worker.llm_abstractions.gemini.client import GeminiClient

__all__ = ["GeminiLlm"]


class GeminiLlm(GeminiBase):
    """A model of Google's Gemini API. Without `api_endpoint` the SDK's `GOOGLE_GEMINI_BASE_URL`
    counts, else Google's own address. Google keeps nothing of a call (`store`) unless the
    request's options say so."""

    def _open(self) -> GeminiConnection:
        return GeminiClient(self._api_key, self._address())
