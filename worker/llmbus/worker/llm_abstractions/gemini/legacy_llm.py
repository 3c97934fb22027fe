"""Google's Gemini through the older SDK, `google-generativeai`, for places where only that one is
installed. See docs/decisions/0011-gemini-sdk.md for what it cannot do.

It speaks through the SDK's gRPC client itself. The SDK's upper layer, `GenerativeModel`, adds
nothing to it but a client in a process global, bound to the first event loop that used it, hidden
retries of ten minutes, and a FutureWarning at every start.
"""

from __future__ import annotations

from llmbus.worker.llm_abstractions.gemini.base import GeminiBase, GeminiConnection
from llmbus.worker.llm_abstractions.gemini.legacy_client import LegacyGeminiClient

__all__ = ["GeminiLegacyLlm"]


class GeminiLegacyLlm(GeminiBase):
    """A model of Google's Gemini API, asked over gRPC. `api_endpoint`, else
    `GOOGLE_GEMINI_BASE_URL`, else Google's own address, is `host:port`, or `http://host:port` for a
    service without TLS. Replies have no request id: this SDK's answers carry none."""

    def _open(self) -> GeminiConnection:
        return LegacyGeminiClient(self._api_key, self._address())
