"""A text in the pieces in which a model streams it."""

from __future__ import annotations

from typing import Final

__all__ = ["pieces_of"]

_PIECE_CHARACTERS: Final = 12


def pieces_of(text: str) -> list[str]:
    """Of a few characters each; none for an empty text."""
    return [
        text[start : start + _PIECE_CHARACTERS] for start in range(0, len(text), _PIECE_CHARACTERS)
    ]
