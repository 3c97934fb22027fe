"""What a call asks for, the same for every API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

__all__ = ["CHARACTERS_PER_TOKEN", "OfferedTool", "Question", "last_text", "tokens_of"]

CHARACTERS_PER_TOKEN: Final = 4


def tokens_of(text: str) -> int:
    """Roughly, as no tokenizer is at hand."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def last_text(texts: Iterable[str]) -> str:
    """The last that is not empty, as that of a turn with nothing but tool results is."""
    return next((text for text in reversed(list(texts)) if text), "")


class OfferedTool(msgspec.Struct, frozen=True):
    """A function that the model may call."""

    name: str
    schema: Mapping[str, Any] = {}


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A request that the API accepts."""

    model: str
    """As the caller wrote it."""
    texts: Sequence[str]
    """The texts of the messages, oldest first, instructions included."""
    last_user_text: str = ""
    stream: bool = False
    output_limit: int | None = None
    thinks: bool = False
    shows_thought: bool = True
    """Whether the thinking is part of the answer. Gemini's is only if asked for."""
    tools: Sequence[OfferedTool] = ()
    must_call: bool = False
    """Whether a tool has to be called: the first that is offered."""
    stops: Sequence[str] = ()
    json_schema: Mapping[str, Any] | None = None
    """The answer has to be JSON; `{}` for any object."""
    counts_streamed_usage: bool = True

    @property
    def tokens(self) -> int:
        """Of all texts, roughly."""
        return sum(tokens_of(text) for text in self.texts)

    @property
    def prompt(self) -> str:
        """All texts as one."""
        return "\n".join(self.texts)
