"""What a broker says about a queue that exists with other arguments, and whether we can live with
it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from llmbus.shared.bus.rabbitmq.arguments import Argument
from llmbus.shared.topology import MAX_PRIORITY, Queue

__all__ = ["Difference", "breaks_a_promise", "what_to_change"]

_INEQUIVALENT: Final = re.compile(
    r"inequivalent arg '(?P<argument>[^']+)' for (?:queue|exchange) .*"
    r"received (?P<wanted>.+?) but current is (?P<found>.+)",
    re.DOTALL,
)
_VALUE: Final = re.compile(r"(?:the value )?'(?P<text>[^']*)'(?: of type '(?P<type>[^']+)')?")

_TUNABLE: Final = frozenset(
    {
        "x-consumer-timeout",
        "x-delivery-limit",
        "x-dead-letter-strategy",
        "x-overflow",
        "x-queue-mode",
        "x-queue-version",
        "x-queue-leader-locator",
        "x-queue-master-locator",
        "x-quorum-initial-group-size",
        "x-single-active-consumer",
    }
)


@dataclass(frozen=True)
class Difference:
    """One argument in which what exists differs from what we want; None where it is not set."""

    argument: str
    found: Argument | None
    wanted: Argument | None

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """From the broker's 406; None if it complains of something else."""
        match = _INEQUIVALENT.search(text)
        if match is None:
            return None
        return cls(match["argument"], _value(match["found"]), _value(match["wanted"]))

    def __str__(self) -> str:
        return f"{self.argument} is {_shown(self.found)}, wanted is {_shown(self.wanted)}"


def breaks_a_promise(difference: Difference, queue: Queue) -> bool:
    """Whether a task or its priority could get lost in a queue that differs in this way."""
    argument, found = difference.argument, difference.found
    if argument in _TUNABLE:
        return False
    if argument == "x-max-priority":
        # Wire priorities end below MAX_PRIORITY; more levels do no harm.
        return queue.prioritised and not (isinstance(found, int) and found >= MAX_PRIORITY - 1)
    if argument in {"x-max-length", "x-max-length-bytes"}:
        # What does not fit is dead-lettered, or dropped where there is nowhere to go.
        return queue.replicable and queue.dead_letter_exchange is None
    if argument == "x-expires":
        return queue.expires is None
    return True


def what_to_change(difference: Difference, queue: Queue) -> str:
    """The settings that lead out of it."""
    if queue.message_ttl is not None:
        return "delete the queue, or set LLMBUS_RETRY_DELAYS_SECONDS or LLMBUS_PREFIX"
    if difference.argument in {"x-queue-type", "x-max-priority"}:
        return "set LLMBUS_PREFIX for a fresh layout, or LLMBUS_QUEUE_TYPE to what is there"
    return "set LLMBUS_PREFIX for a fresh layout, or delete the queue"


def _value(text: str) -> Argument | None:
    match = _VALUE.match(text)
    if match is None:
        return None
    value, kind = match["text"], match["type"]
    is_number = kind != "longstr" and re.fullmatch(r"-?\d+", value)
    return int(value) if is_number else value


def _shown(value: Argument | None) -> str:
    return "not set" if value is None else str(value)
