"""Steering by the prompt itself: `[[simulate: {"status": 429, "retry_after": 7, "times": 2}]]`.

So a test needs no second channel to the simulator, and a task file can say how each task goes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from llmbus.worker.provider_simulator.behaviour import Behaviour, behaviours_from_json

__all__ = ["Directives", "without_directives"]

_DIRECTIVE: Final = re.compile(r"\[\[simulate:\s*(.*?)\s*\]\](?!\])", re.DOTALL)


def without_directives(text: str) -> str:
    """What is left for the model."""
    return _DIRECTIVE.sub("", text)


class Directives:
    """Reads the directives of prompts and counts the calls with each prompt.

    Those of the newest message that has any count. They are taken in order, each for its `times`
    calls with that very prompt; after them, or if there are none, the call goes on as usual.
    """

    def __init__(self) -> None:
        self._calls: Counter[bytes] = Counter()

    def take(self, texts: Sequence[str]) -> Behaviour | None:
        """The behaviour for this call. `InvalidInputError` if a directive cannot be read."""
        steps = _newest(texts)
        if not steps:
            return None
        prompt = sha256("\0".join(texts).encode(errors="surrogatepass")).digest()
        before = self._calls[prompt]
        self._calls[prompt] += 1
        for step in steps:
            if step.times is None or before < step.times:
                return step
            before -= step.times
        return None

    def forget(self) -> None:
        """Count from the beginning."""
        self._calls.clear()


def _newest(texts: Sequence[str]) -> list[Behaviour]:
    for text in reversed(texts):
        if "[[simulate:" in text:
            found = _DIRECTIVE.findall(text)
            return [step for directive in found for step in behaviours_from_json(directive)]
    return []
