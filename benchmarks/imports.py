"""What `import llmbus.producer` costs in a process that has imported nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from statistics import median
from typing import Final

import msgspec

__all__ = ["ImportCost", "import_cost"]

UNWANTED: Final = (
    "openai",
    "anthropic",
    "google.genai",
    "aiohttp",
    "httpx2",
    "aio_pika",
    "aiormq",
    "pydantic",
    "redis",
)
_PROGRAM: Final = f"""
import json, sys, time
began = time.perf_counter()
import llmbus.producer
seconds = time.perf_counter() - began
loaded = [name for name in {UNWANTED!r} if name in sys.modules]
print(json.dumps({{"seconds": seconds, "loaded": loaded}}))
"""


class ImportCost(msgspec.Struct, frozen=True):
    """Of one process, or the median of several."""

    seconds: float
    loaded: list[str]
    """Which libraries it imports that it should not."""


def import_cost(processes: int) -> ImportCost:
    """The median of fresh processes; none of them measures coverage or profiles."""
    # The first one only fills the disk cache and writes the compiled files.
    costs = [_of_one_process() for _ in range(processes + 1)][1:]
    return ImportCost(median(cost.seconds for cost in costs), costs[0].loaded)


def _of_one_process() -> ImportCost:
    answer = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=_undisturbed(), check=True, capture_output=True
    )
    return msgspec.json.decode(answer.stdout, type=ImportCost)


def _undisturbed() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}
