"""The settings under which the suite's programs run: everything as short as is still sound."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from llmbus.shared.settings import BusSettings, QueueType
from tests.faults.links import Links, Service
from tests.faults.watched_provider import key_of

__all__ = [
    "CLAIM_SECONDS",
    "GRACE_SECONDS",
    "HEARTBEAT_SECONDS",
    "LANE",
    "MAX_CRASHES",
    "ORCHESTRATOR_NAME",
    "QUEUE_TYPE_VARIABLE",
    "SCRIPT_SECONDS",
    "bus_settings",
    "environment_of",
    "fallback_environment",
]

LANE: Final = "openai-gpt"
ORCHESTRATOR_NAME: Final = "faults"
"""The stable name of the orchestrator, whichever process it is."""
HEARTBEAT_SECONDS: Final = 1
GRACE_SECONDS: Final = 1.0
CLAIM_SECONDS: Final = 1.5
"""How long a claim lives without a renewal."""
MAX_CRASHES: Final = 3
"""How many workers may die of one task."""

QUEUE_TYPE_VARIABLE: Final = "TEST_QUEUE_TYPE"
"""Which type the programs' queues have, if not the default."""
SCRIPT_SECONDS: Final = 8.0
"""How long a script may run: on a busy machine its start alone takes some of them."""

_PREFIX: Final = "faults"
_LADDER: Final = (0.05, 0.1, 0.2)
_INHERITED: Final = ("PATH", "HOME", "LANG", "TMPDIR")


def bus_settings(amqp_url: str) -> BusSettings:
    """Those of the programs, for the suite's own use."""
    return BusSettings(
        amqp_url=SecretStr(amqp_url),
        prefix=_PREFIX,
        queue_type=_queue_type(),
        retry_delays_seconds=_LADDER,
    )


def _queue_type() -> QueueType:
    return QueueType(os.environ.get(QUEUE_TYPE_VARIABLE, QueueType.CLASSIC))


async def environment_of(name: str, links: Links) -> dict[str, str]:
    """All variables of one program. It reaches every service by a link of its own."""
    inherited = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    return inherited | {
        "LLMBUS_AMQP_URL": await links.url(name, Service.BROKER),
        "LLMBUS_REDIS_URL": await links.url(name, Service.REDIS),
        "LLMBUS_PREFIX": _PREFIX,
        "LLMBUS_QUEUE_TYPE": _queue_type(),
        "LLMBUS_WORKER_ID": name,
        "LLMBUS_LANES": LANE,
        "LLMBUS_CONCURRENCY": "2",
        "LLMBUS_MAX_ATTEMPTS": "3",
        "LLMBUS_MAX_CRASHES": str(MAX_CRASHES),
        "LLMBUS_GRACE_SECONDS": str(GRACE_SECONDS),
        "LLMBUS_CLAIM_SECONDS": str(CLAIM_SECONDS),
        "LLMBUS_FALLBACK_AFTER_RETRIES": "false",  # most runs have nobody to serve the fallback
        "LLMBUS_ADVERTISE_SECONDS": "0.5",
        "LLMBUS_AMQP_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
        "LLMBUS_CONNECT_TIMEOUT_SECONDS": "20",
        "LLMBUS_PUBLISH_TIMEOUT_SECONDS": "2",
        "LLMBUS_RETRY_DELAYS_SECONDS": ",".join(map(str, _LADDER)),
        "OPENAI_BASE_URL": await links.url(name, Service.PROVIDER),
        "OPENAI_API_KEY": key_of(name),
    }


def fallback_environment(scripts: Path, homes: Path) -> dict[str, str]:
    """What is added where the fallback is served, by the scripts of that folder."""
    return {
        "TMPDIR": str(homes),  # where the product makes a home for each script
        "LLMBUS_SCRIPTS_DIR": str(scripts),
        "LLMBUS_FALLBACK_CONCURRENCY": "2",
        "LLMBUS_FALLBACK_TIMEOUT_SECONDS": str(SCRIPT_SECONDS),
        "LLMBUS_FALLBACK_AFTER_RETRIES": "true",
    }
