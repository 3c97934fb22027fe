"""What the harness says to a measured process, and what it hears: one JSON line each."""

from __future__ import annotations

import msgspec

__all__ = [
    "AllHeld",
    "Hold",
    "OrchestratorCommand",
    "ReportUsage",
    "RoundTrips",
    "Rush",
    "Seconds",
    "Submit",
    "Usage",
    "WorkerCommand",
]


class Rush(msgspec.Struct, tag=True, frozen=True):
    """To an orchestrator: ask for so many tasks as fast as possible. Answered by `Seconds`."""

    tasks: int


class RoundTrips(msgspec.Struct, tag=True, frozen=True):
    """To an orchestrator: one task after the other. Answered by `Seconds`, one for each."""

    tasks: int


class Submit(msgspec.Struct, tag=True, frozen=True):
    """To an orchestrator: submit, and wait for no answer. Answered by `Seconds`."""

    tasks: int


class Hold(msgspec.Struct, tag=True, frozen=True):
    """To a worker: keep the next tasks in flight. Answered by `Usage`."""

    tasks: int


class AllHeld(msgspec.Struct, tag=True, frozen=True):
    """To a worker: answer when all of them are in flight, by `Usage`."""


class ReportUsage(msgspec.Struct, tag=True, frozen=True):
    """To anyone: answer by `Usage`."""


OrchestratorCommand = Rush | RoundTrips | Submit | ReportUsage
WorkerCommand = Hold | AllHeld | ReportUsage


class Seconds(msgspec.Struct, frozen=True):
    """How long it took."""

    each: list[float]


class Usage(msgspec.Struct, frozen=True):
    """What the process has used since its start."""

    cpu_seconds: float
    resident_bytes: int
