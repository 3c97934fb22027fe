"""What an answer is judged against: who was asked, and what may not be repeated of it."""

from __future__ import annotations

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.errors import OutcomeUnknownError

__all__ = ["Asked"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who was asked for an answer, and under which number it came."""

    provider: str
    model: str
    request_id: str | None
    api_key: str = ""
    """Blotted out of errors that repeat it; empty where a server wants none."""

    def __repr__(self) -> str:
        return f"Asked({self.model!r}, request_id={self.request_id!r})"

    def beginning_of(self, body: bytes) -> str:
        """Of what came in place of an answer, for an error."""
        if self.api_key:
            body = body.replace(self.api_key.encode(), b"<key>")
        return repr(body[:200])

    def no_answer(self, text: str, usage: Usage | None = None) -> OutcomeUnknownError:
        """For status 200 without an answer: proxies send pages and empty objects under it, and the
        call behind them may have been billed."""
        return OutcomeUnknownError(
            text, status=200, request_id=self.request_id, sent=True, usage=usage
        )
