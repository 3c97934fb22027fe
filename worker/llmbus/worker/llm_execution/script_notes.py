"""What a script writes to stderr for people, without any key."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Collection
from contextlib import suppress
from typing import Final

from llmbus.worker.llm_abstractions.provider_specs import SPECS
from llmbus.worker.llm_abstractions.redaction import without_secrets

__all__ = ["keys_here", "log_to_stderr", "note"]

_KEY_VARIABLES: Final = {
    variable for specs in SPECS.values() for spec in specs for variable in spec.key_variables
}
_SHORTEST_KEY: Final = 8
"""Servers of one's own are given `any` or `none`, which would blot out parts of other words."""


def note(line: str) -> None:
    """Tell people this. A stderr that takes nothing is no reason to fail."""
    with suppress(OSError):
        print(line, file=sys.stderr)


def keys_here() -> set[str]:
    """Every provider's key that is set in this process, as the SDKs get them."""
    keys = {os.environ.get(variable, "").strip() for variable in _KEY_VARIABLES}
    return {key for key in keys if len(key) >= _SHORTEST_KEY}


def log_to_stderr(keys: Collection[str]) -> None:
    """Show warnings and errors of all libraries on stderr, with these keys blotted out, also in
    tracebacks."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_WithoutKeys(keys))
    logging.getLogger().handlers[:] = [handler]


class _WithoutKeys(logging.Formatter):
    def __init__(self, keys: Collection[str]) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._keys = keys

    def formatMessage(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = getattr(record, "fields", {})
        told = (f" {name}={value}" for name, value in fields.items())
        return super().formatMessage(record) + "".join(told)

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record), *self._keys)
