"""What every service demands of a request before it looks at what is asked."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from llmbus.worker.provider_simulator.api_error import refuse
from llmbus.worker.provider_simulator.dialect import Call, Dialect
from llmbus.worker.provider_simulator.question import Question
from llmbus.worker.provider_simulator.rules import RulesOfModels

__all__ = ["WRONG_KEY", "Acceptance"]

WRONG_KEY: Final = "wrong-key"
"""The one key that is refused when all others are accepted."""


class Acceptance:
    """Which keys, models and lengths are accepted."""

    def __init__(
        self, keys: Collection[str] | None, context_tokens: int, models: RulesOfModels
    ) -> None:
        """`keys` of None are all but `WRONG_KEY`."""
        self._keys: Final = keys
        self._context_tokens: Final = context_tokens
        self._models: Final = models

    def read(self, call: Call, dialect: Dialect) -> Question:
        """What is asked. Raises `ApiError` where the service would refuse."""
        key = dialect.key(call)
        if not self._knows(key):
            raise dialect.wrong_key(key)
        if not isinstance(call.body, dict):
            refuse("We could not parse the JSON body of your request.")
        question = dialect.read(call, self._models)
        if question.tokens > self._context_tokens:
            raise dialect.too_long(question.tokens, self._context_tokens)
        return question

    def _knows(self, key: str) -> bool:
        if not key:
            return False
        return key != WRONG_KEY if self._keys is None else key in self._keys
