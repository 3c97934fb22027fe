"""How long a command that a person waits for looks for its broker."""

from __future__ import annotations

from typing import Final

from llmbus.shared.settings import BusSettings

__all__ = ["impatient"]

_PATIENCE_SECONDS: Final = 5.0


def impatient(settings: BusSettings) -> BusSettings:
    """A person waits here: unless told otherwise, give up sooner than a worker would."""
    if "connect_timeout_seconds" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"connect_timeout_seconds": _PATIENCE_SECONDS})
