"""The store of a single process: for the embedded bus and for tests."""

from __future__ import annotations

from llmbus.shared.store.memory.claims import MemoryClaims
from llmbus.shared.store.memory.fleet import MemoryFleet

__all__ = ["MemoryStore"]


class MemoryStore(MemoryFleet, MemoryClaims):
    """A `Store` that lives and dies with the object. Entering it again starts empty."""
