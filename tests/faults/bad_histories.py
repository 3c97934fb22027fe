"""For every promise, histories in which it is broken."""

from __future__ import annotations

from typing import Any, Final

from tests.faults.bad_histories_of_scripts import BAD_SCRIPTS
from tests.faults.chronicle import a_deadly_run, a_good_run, a_pardoned_run, chronicle
from tests.faults.history import Event, Fact

__all__ = ["BAD", "and_then", "before", "without"]

Line = tuple[Any, ...]


def without(*facts: Fact) -> list[Event]:
    return chronicle(*(event for event in a_good_run() if event.fact not in facts))


def and_then(*lines: Line) -> list[Event]:
    return chronicle(*a_good_run(), *lines)


def before(fact: Fact, *lines: Line) -> list[Event]:
    """The good run with these lines before its first event of that kind."""
    good = a_good_run()
    place = next(event.place for event in good if event.fact is fact)
    return chronicle(*good[:place], *lines, *good[place:])


BAD: Final = BAD_SCRIPTS | {
    "redriven and not answered": (
        "redriven_tasks_begin_anew",
        a_pardoned_run(answered=False, again=False),
    ),
    "redriven and given up for its old crashes": (
        "redriven_tasks_begin_anew",
        a_pardoned_run(answered=True, again=True),
    ),
    "redriven as a later attempt": (
        "redriven_tasks_begin_anew",
        and_then(
            (Fact.REDRIVEN, "", "t1"),
            (Fact.DELIVERED, "w1", "t1", {"attempt": 3, "note": "redrive 1 with 1 earlier stays"}),
            (Fact.GIVEN, "orchestrator", "t1", {"note": "success"}),
        ),
    ),
    "lost": ("no_task_is_lost", without(Fact.GIVEN)),
    "raw message lost": (
        "no_task_is_lost",
        and_then((Fact.SENT_RAW, "", "raw", {"note": "no-priority"})),
    ),
    "answered and parked": (
        "no_task_is_lost",
        and_then((Fact.PARKED, "", "t1", {"digest": "body", "note": "why"})),
    ),
    "answered and still queued": ("no_task_is_lost", and_then((Fact.LEFT_OVER, "lane", "t1"))),
    "given twice": (
        "one_result_each",
        and_then((Fact.GIVEN, "orchestrator", "t1", {"attempt": 1, "digest": "r"})),
    ),
    "different results": (
        "one_result_each",
        and_then((Fact.GIVEN, "orchestrator-next", "t1", {"attempt": 1, "digest": "other"})),
    ),
    "different results published": (
        "published_results_agree",
        and_then((Fact.ANSWERING, "w2", "t1", {"digest": "other"})),
    ),
    "too many attempts": (
        "attempts_are_bounded",
        and_then((Fact.STARTED, "w2", "t1", {"attempt": 4})),
    ),
    "call without a start": ("attempts_are_bounded", without(Fact.STARTED)),
    "second call of one start": (
        "attempts_are_bounded",
        and_then((Fact.CALLED, "w1", "t1", {"number": 2})),
    ),
    "charged an attempt for nothing": (
        "attempts_are_bounded",
        and_then((Fact.GIVEN, "other", "t1", {"attempt": 2, "digest": "r"})),
    ),
    "answer after a take-over": (
        "nobody_answers_for_a_lapsed_claim",
        before(Fact.ANSWERING, (Fact.CLAIMED, "w2", "t1", {"note": "Claimed"})),
    ),
    "ack without a confirmed result": (
        "ack_follows_confirmation",
        without(Fact.ANSWER_CONFIRMED),
    ),
    "ack after the copy of an earlier attempt": (
        "ack_follows_confirmation",
        chronicle(
            (Fact.RETRY_CONFIRMED, "w1", "t1", {"attempt": 2}),
            (Fact.ACKED, "w1", "t1", {"attempt": 3}),
        ),
    ),
    "run after a cancellation": (
        "cancelled_stays_cancelled",
        before(Fact.CLAIMED, (Fact.CANCEL_ACCEPTED, "orchestrator", "t1")),
    ),
    "success after a cancellation": (
        "cancelled_stays_cancelled",
        before(Fact.ANSWERING, (Fact.CANCEL_ACCEPTED, "orchestrator", "t1")),
    ),
    "call that was cut late": (
        "running_calls_are_cut",
        before(
            Fact.ANSWERED,
            (Fact.CANCEL_ACCEPTED, "orchestrator", "t1"),
            *[(Fact.DELIVERED, "w1", "t2")] * 3,
        ),
    ),
    "deadly and not kept": (
        "what_kills_is_given_up",
        [event for event in a_deadly_run() if event.fact is not Fact.PARKED],
    ),
    "innocent in parking": (
        "only_what_belongs_there_is_parked",
        chronicle((Fact.PARKED, "", "t1", {"note": "poison"})),
    ),
    "parked with another body": (
        "parked_as_it_came",
        chronicle(
            (Fact.SENT_RAW, "", "raw", {"note": "malformed", "digest": "a"}),
            (Fact.PARKED, "", "raw", {"note": "why", "digest": "b"}),
        ),
    ),
    "parked without a reason": (
        "parked_as_it_came",
        chronicle(
            (Fact.SENT_RAW, "", "raw", {"note": "malformed", "digest": "a"}),
            (Fact.PARKED, "", "raw", {"digest": "a"}),
        ),
    ),
    "unreadable and answered": (
        "unreadable_is_never_paid_for",
        chronicle((Fact.SENT_RAW, "", "raw", {"note": "unknown-schema"})),
    ),
    "unreadable and paid for": (
        "unreadable_is_never_paid_for",
        chronicle(
            (Fact.SENT_RAW, "", "raw", {"note": "malformed", "digest": "a"}),
            (Fact.CALLED, "w1", "raw", {"number": 1}),
            (Fact.PARKED, "", "raw", {"note": "why", "digest": "a"}),
        ),
    ),
    "readable and not answered": (
        "unreadable_is_never_paid_for",
        chronicle((Fact.SENT_RAW, "", "raw", {"note": "no-priority"})),
    ),
    "second call while the first worker lives": (
        "nothing_is_paid_twice",
        before(Fact.ANSWERED, (Fact.CALLED, "w2", "t1", {"number": 2})),
    ),
    "out of time": (
        "everything_comes_to_an_end",
        and_then((Fact.OUT_OF_TIME, "", "", {"note": "not every task has ended"})),
    ),
    "silently deaf": (
        "everything_comes_to_an_end",
        and_then((Fact.CONSUMERS, "", "", {"number": 1, "note": "2"})),
    ),
    "ended badly": (
        "drain_ends_well",
        chronicle((Fact.TOLD_TO_STOP, "w1"), (Fact.PROCESS_ENDED, "w1", "", {"number": 70})),
    ),
    "ended without being told": ("drain_ends_well", chronicle((Fact.PROCESS_ENDED, "w1"))),
    "never ended": ("drain_ends_well", chronicle((Fact.TOLD_TO_STOP, "w1"))),
    "secret": ("no_secret_is_seen", and_then((Fact.SECRET_SEEN, "w1", "", {"note": "a key"}))),
    "traceback": (
        "programs_know_what_happens_to_them",
        and_then((Fact.UNEXPECTED_OUTPUT, "w1", "", {"note": "Traceback"})),
    ),
}
