"""When the scripts go away, and how loudly that is said until then (docs/DEPRECATION-TIMELINE.md).

This module is the one place of the dates and the wording.
"""

from __future__ import annotations

import warnings
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date
from enum import Enum
from typing import Final

from llmbus.shared.clock import Clock
from llmbus.worker.llm_execution.script_notes import note

__all__ = ["GUIDE", "REMOVED_IN", "TIMELINE", "WORDING", "Stage", "Timeline", "warn_of_removal"]

GUIDE: Final = "docs/EXECUTOR-MIGRATION-GUIDE.md"
REMOVED_IN: Final = "v2.0"

_PLAIN_MONTHS: Final = 3
_MONTHS_UNTIL_REMOVAL: Final = 6


class Stage(Enum):
    """How near the removal is."""

    ANNOUNCED = "announced"
    NEAR = "near"
    OVERDUE = "overdue"


WORDING: Final = {
    Stage.ANNOUNCED: (
        "{script} is deprecated and will be removed in {version} on {removal}."
        " How to move to the direct path: {guide}"
    ),
    Stage.NEAR: (
        "ACT NOW: {script} will stop working in {version} on {removal} (days left: {days})."
        " Move to the direct path before that day: {guide}"
    ),
    Stage.OVERDUE: (
        "OVERDUE: {script} was to be removed on {removal} and is gone with {version}: the next"
        " upgrade breaks whatever still calls it. Move to the direct path today: {guide}"
    ),
}
"""What is said at each stage."""


@dataclass(frozen=True)
class Timeline:
    """From the release that deprecates to the removal. Days begin at midnight UTC."""

    released: date
    extension_months: int = 0
    """By how much the removal is put off: 0, or 3 if it has to be. What has been said urgently is
    said urgently from then on."""

    @property
    def urgent_from(self) -> date:
        """The first day of `Stage.NEAR`."""
        return _months_after(self.released, _PLAIN_MONTHS)

    @property
    def removal(self) -> date:
        """The first day of `Stage.OVERDUE`."""
        return _months_after(self.released, _MONTHS_UNTIL_REMOVAL + self.extension_months)

    def stage(self, today: date) -> Stage:
        """Which wording is due on that day."""
        if today >= self.removal:
            return Stage.OVERDUE
        return Stage.NEAR if today >= self.urgent_from else Stage.ANNOUNCED

    def warning(self, script: str, today: date) -> str:
        """The text of that day about the script of that name."""
        return WORDING[self.stage(today)].format(
            script=script,
            version=REMOVED_IN,
            removal=self.removal.isoformat(),
            days=(self.removal - today).days,
            guide=GUIDE,
        )


TIMELINE: Final = Timeline(released=date(2026, 11, 22))
"""Of the release 0.1.0. To put the removal off, add `extension_months=3`."""


def warn_of_removal(
    script: str, clock: Clock, timeline: Timeline = TIMELINE, *, stacklevel: int = 1
) -> None:
    """Give the warning of the day: a `DeprecationWarning` that names the caller `stacklevel` frames
    up. Python shows it only where that is the program itself. Never raises: where warnings are
    errors, the text goes to stderr."""
    text = timeline.warning(script, clock.now().astimezone(UTC).date())
    try:
        warnings.warn(text, DeprecationWarning, stacklevel=stacklevel + 1)
    except DeprecationWarning as warning:
        note(f"DeprecationWarning: {warning}")


def _months_after(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day where it is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
