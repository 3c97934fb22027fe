"""The one task of all measurements: about a kilobyte, as an agent's task is."""

from __future__ import annotations

from typing import Final

__all__ = ["AGENT", "DESCRIPTION", "TITLE"]

AGENT: Final = "gpt-4"
TITLE: Final = "Review the change"
DESCRIPTION: Final = (
    "Read the change below with the eyes of somebody who has to run it at night. Say what can be"
    " lost, what can happen twice, and what a reader will not understand in a year.\n\n"
    + "\n".join(f"+    line {number} of the change, of the usual length" for number in range(16))
)
