"""Workers to put into a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from llmbus.shared.store.interface import WorkerEntry

LONG = timedelta(minutes=5)
SHORT = timedelta(milliseconds=150)


def entry(worker_id: str, **changes: Any) -> WorkerEntry:
    """A worker with something in every field."""
    worker = WorkerEntry(
        worker_id=worker_id,
        host="node-7",
        pid=4711,
        version="0.1.0",
        started_at=datetime(2026, 11, 22, 9, 30, 0, 250_000, tzinfo=UTC),
        lanes=("anthropic-claude", "openai-gpt"),
        agent_types=("openai-gpt",),
        models=("gpt-6", "gpt-6-mini"),
        capabilities=("code", "research"),
        slots_used=3,
        slots_total=16,
        direct_path=True,
    )
    return msgspec.structs.replace(worker, **changes)


def without_age(worker: WorkerEntry) -> WorkerEntry:
    """What the worker announced, without what the store added."""
    return msgspec.structs.replace(worker, heartbeat_age=None)
