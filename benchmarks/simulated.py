"""The provider simulator as a process of its own, for as long as something is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.services.processes import BOUND_EXEC

__all__ = ["simulated_providers"]

_ENDS_WITHIN_SECONDS: Final = 10
_BOUND: Final = (sys.executable, "-I", "-S", str(BOUND_EXEC))
"""Ends what it starts when this process is killed."""


@contextmanager
def simulated_providers(latency_seconds: float) -> Generator[Mapping[str, str]]:
    """The environment that points the SDKs at it. Every answer that does not say takes so long."""
    program = Path(sys.executable).with_name("llmbus")
    simulate = (program, "simulate-providers", "--port", "0", "--latency", str(latency_seconds))
    with subprocess.Popen(
        [*_BOUND, str(os.getpid()), "0", *simulate], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield {**os.environ, **dict(_exports(process.stdout))}
        finally:
            process.terminate()
            try:
                process.wait(_ENDS_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _exports(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, value = line.strip().removeprefix("export ").partition("=")
        yield name, value
        if name == "GOOGLE_API_KEY":
            return
