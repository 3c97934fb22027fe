"""What a script said, made fit to be shown: without secrets and without control characters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from llmbus.worker.llm_abstractions.redaction import without_secrets

__all__ = ["Redaction"]

_SHORTEST_SECRET: Final = 8
"""Servers of one's own are given `any` or `none`, which would blot out parts of other words."""
_MARGIN_BYTES: Final = 64 * 1024
"""Looked at before a text is cut, so that no half of a secret is left at the cut."""
_HARMLESS: Final = "\N{REPLACEMENT CHARACTER}"
"""In place of what would steer a terminal."""


class Redaction:
    """Knows the secrets of one script, and blots them out."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        self._secrets: Final = sorted(known, key=len, reverse=True)

    def without_own(self, text: str) -> str:
        """The text without these secrets alone. What merely looks like a key may belong to it."""
        for secret in self._secrets:
            text = text.replace(secret, "<key>")
        return text

    def clean(self, text: str) -> str:
        """The text without secrets and control characters."""
        safe = without_secrets(text, *self._secrets)
        return "".join(sign if sign.isprintable() or sign in "\n\t" else _HARMLESS for sign in safe)

    def head(self, said: bytes, characters: int) -> str:
        """Its beginning, cleaned."""
        return self.clean(said[: characters + _MARGIN_BYTES].decode(errors="replace"))[:characters]

    def tail(self, said: bytes, characters: int) -> str:
        """Its end, cleaned."""
        return self.clean(said[-characters - _MARGIN_BYTES :].decode(errors="replace"))[
            -characters:
        ]

    def clean_values(self, value: Any) -> Any:
        """The same value of JSON, with every text in it cleaned."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, list):
            return [self.clean_values(item) for item in cast(list[object], value)]
        if isinstance(value, dict):
            fields = cast(dict[str, object], value).items()
            return {self.clean(name): self.clean_values(item) for name, item in fields}
        return value
