"""Texts without the keys that providers repeat in them."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["without_secrets"]

_KEY_SHAPES: Final = re.compile(r"\b(?:sk|pk|rk)-[\w*.-]{6,}|\bAIza[\w-]{8,}|\bBearer\s+[^\s,;]+")


def without_secrets(text: str, *secrets: str | None) -> str:
    """The text with the given secrets, and whatever is shaped like a provider's key, blotted out.

    Providers repeat the key they were sent in the text of a 401.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "<key>")
    return _KEY_SHAPES.sub("<key>", text)
