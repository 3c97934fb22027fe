"""The steps of a task's way at which a fault can strike, in their order."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["BLOCKING", "Step"]


class Step(StrEnum):
    """A moment at which a program or the provider stands still until the suite lets it go on.

    The numbers are those of the pipeline. S5 and S13 (quota) and S7 (streaming) have no counterpart
    in the product yet; S9 is reached only where results are stored.
    """

    SUBMITTING = "S1"
    """The orchestrator is about to publish a task."""
    ACCEPTED = "S2"
    """The broker has confirmed the task; the application does not know it yet."""
    DELIVERED = "S3"
    """A worker has been handed the task and has done nothing about it."""
    CLAIMING = "S4a"
    """The run has its slot and is about to ask the store for a claim."""
    CLAIMED = "S4b"
    """The store has answered; the worker does not know it yet."""
    STARTED = "S4"
    """The run begins: it has its slot and, where there are claims, its claim."""
    SCRIPT = "S4c"
    """A script of the fallback has begun and has asked nobody. It alone stands still."""
    CALLED = "S6"
    """The provider has received the whole request and has sent nothing back."""
    ANSWERED = "S8"
    """The provider has sent its answer; the call is paid."""
    STORING = "S9"
    """The worker is about to store the result."""
    ANSWERING = "S10"
    """The worker is about to publish the result."""
    CONFIRMED = "S11"
    """The broker has confirmed the result; the worker does not know it yet."""
    PUT_OFF = "S11r"
    """The broker has confirmed the copy for a later hand-over, such as the next attempt; the worker
    does not know it yet. So that somebody comes there, the provider is overloaded at first."""
    ACKING = "S12"
    """The worker is about to ack the task."""


BLOCKING: Final = frozenset({Step.DELIVERED, Step.STARTED})
"""Where the whole process stands still: the product reports these by calls that cannot wait."""
