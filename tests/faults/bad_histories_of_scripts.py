"""For every promise about the fallback's scripts, histories in which it is broken."""

from __future__ import annotations

from typing import Any, Final

from tests.faults.chronicle import chronicle
from tests.faults.history import Event, Fact

__all__ = [
    "BAD_SCRIPTS",
    "a_cancelled_script",
    "a_scripted_run",
    "a_second_failure",
    "parked_because",
]

_PATIENTLY: Final = [(Fact.ADOPTED, "w1", "t2")] * 6
"""In histories that are written by hand an event comes each second."""


def a_scripted_run(*end: tuple[Any, ...]) -> list[Event]:
    """A task whose direct path is off is handed to the fallback, whose script asks; then `end`."""
    return chronicle(
        (Fact.DIRECT_OFF, "", "t1"),
        (Fact.SUBMITTING, "orchestrator", "t1", {"digest": "body"}),
        (Fact.ACCEPTED, "orchestrator", "t1"),
        (Fact.STARTED, "w1", "t1", {"attempt": 1}),
        (Fact.HAND_OVER_CONFIRMED, "w1", "t1", {"attempt": 1}),
        (Fact.ACKED, "w1", "t1", {"attempt": 1}),
        (Fact.CLAIMED, "f1", "t1", {"note": "Claimed"}),
        (Fact.STARTED, "f1", "t1", {"attempt": 1}),
        (Fact.SCRIPT_STARTED, "f1", "t1", {"number": 4711}),
        (Fact.CALLED, "f1", "t1", {"number": 1}),
        *end,
    )


_ANSWERED: Final = (
    (Fact.ANSWERED, "f1", "t1", {"number": 1, "note": "200"}),
    (Fact.SCRIPT_ENDED, "f1", "t1", {"number": 4711}),
)
_KEPT: Final = (Fact.PARK_CONFIRMED, "f1", "t1")


def parked_because(cause: str) -> tuple[Any, ...]:
    return (Fact.PARKED, "", "t1", {"digest": "body", "note": cause})


def a_second_failure(*in_parking: tuple[Any, ...]) -> list[Event]:
    """The script of a task fails; what stands in parking at the end."""
    given = (Fact.GIVEN, "orchestrator", "t1", {"digest": "r", "note": "failed script by f1"})
    return a_scripted_run(*_ANSWERED, _KEPT, given, *in_parking)


def a_cancelled_script(*since: tuple[Any, ...]) -> list[Event]:
    """The task of a script is cancelled; what happens `since`."""
    return a_scripted_run(
        (Fact.STRUCK, "f1", "t1", {"note": "fallback-task-cancelled at S6"}),
        (Fact.CANCEL_ACCEPTED, "orchestrator", "t1"),
        *since,
    )


def _answered_by(who: str) -> tuple[Any, ...]:
    return (
        Fact.GIVEN,
        "orchestrator",
        "t1",
        {"attempt": 1, "digest": "r", "note": f"success by {who}"},
    )


BAD_SCRIPTS: Final = {
    "asked directly although that is off": (
        "the_direct_path_stays_off",
        chronicle((Fact.DIRECT_OFF, "", "t1"), (Fact.CALLED, "w1", "t1", {"number": 1})),
    ),
    "asked by a fallback without a script": (
        "the_direct_path_stays_off",
        chronicle((Fact.CALLED, "f1", "t1", {"number": 1})),
    ),
    "answered directly although that is off": (
        "the_direct_path_stays_off",
        a_scripted_run(*_ANSWERED, _answered_by("w1")),
    ),
    "fallback that waits for the worker's claim": (
        "a_hand_over_needs_no_patience",
        chronicle(
            (Fact.DIRECT_OFF, "", "t1"),
            (Fact.CLAIMED, "w1", "t1", {"note": "Claimed"}),
            (Fact.CLAIMED, "f1", "t1", {"note": "Held"}),
        ),
    ),
    "second failure without a place in parking": (
        "a_second_failure_is_kept",
        a_second_failure(),
    ),
    "second failure that hides a call": (
        "a_second_failure_is_kept",
        a_second_failure(parked_because("this machine could not start the script")),
    ),
    "parked by the fallback and answered by it as a success": (
        "no_task_is_lost",
        a_scripted_run(
            *_ANSWERED,
            _KEPT,
            (Fact.ANSWER_CONFIRMED, "f1", "t1", {"attempt": 1}),
            _answered_by("f1"),
            parked_because("the fallback failed, too"),
        ),
    ),
    "process of a script left behind": (
        "nothing_of_a_script_outlives_it",
        chronicle((Fact.LEFT_BEHIND, "", "", {"number": 4711, "note": "python"})),
    ),
    "cancelled script that goes on": (
        "cancelled_scripts_end",
        a_cancelled_script(*_PATIENTLY, *_ANSWERED),
    ),
    "cancelled script that never ends": ("cancelled_scripts_end", a_cancelled_script()),
    "call after a cancellation": (
        "cancelled_scripts_end",
        a_cancelled_script(*_ANSWERED, *_PATIENTLY, (Fact.CALLED, "f2", "t1", {"number": 2})),
    ),
    "second call of a script that lives on": (
        "nothing_is_paid_twice",
        a_scripted_run((Fact.CALLED, "f2", "t1", {"number": 2})),
    ),
    "script that a worker starts once too often": (
        "attempts_are_bounded",
        chronicle((Fact.STARTED, "f1", "t1", {"attempt": 5})),
    ),
    "ack of the fallback without a confirmed result": (
        "ack_follows_confirmation",
        chronicle((Fact.ACKED, "f1", "t1", {"attempt": 1})),
    ),
}
