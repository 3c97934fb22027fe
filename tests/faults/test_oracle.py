"""The oracle accepts what is right and refuses every way in which a promise can be broken."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.chronicle import a_good_run, chronicle
from tests.faults.history import Event, Fact
from tests.faults.oracle import violations_in

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


def broken_checks(events: list[Event]) -> set[str]:
    return {violation.invariant.split()[-1] for violation in violations_in(events)}


def test_a_good_run_breaks_nothing() -> None:
    assert violations_in(a_good_run()) == []


BAD = {
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
        before(Fact.ANSWERING, (Fact.STARTED, "w2", "t1", {"attempt": 1})),
    ),
    "ack without a confirmed result": (
        "ack_follows_confirmation",
        without(Fact.ANSWER_CONFIRMED),
    ),
    "ack after the copy of an earlier attempt": (
        "ack_follows_confirmation",
        chronicle(
            (Fact.RETRY_CONFIRMED, "w1", "t1", {"attempt": 2}),
            (Fact.ACKING, "w1", "t1", {"attempt": 3}),
        ),
    ),
    "call after a cancellation": (
        "cancelled_stays_cancelled",
        before(Fact.CALLED, (Fact.CANCEL_ACCEPTED, "orchestrator", "t1")),
    ),
    "success after a cancellation": (
        "cancelled_stays_cancelled",
        before(Fact.ANSWERED, (Fact.CANCEL_ACCEPTED, "orchestrator", "t1")),
    ),
    "innocent in parking": (
        "only_what_is_unreadable_is_parked",
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


@pytest.mark.parametrize(("check", "events"), BAD.values(), ids=BAD.keys())
def test_a_broken_promise_is_found(check: str, events: list[Event]) -> None:
    assert check in broken_checks(events)


def test_every_check_can_fail() -> None:
    from tests.faults.invariants_of_programs import PROGRAM_INVARIANTS
    from tests.faults.invariants_of_tasks import TASK_INVARIANTS

    checks = {check.__name__ for check in (*TASK_INVARIANTS, *PROGRAM_INVARIANTS)}
    assert checks == {check for check, _ in BAD.values()}


def test_the_same_result_again_after_the_death_of_the_orchestrator_is_right() -> None:
    again = (Fact.GIVEN, "orchestrator-next", "t1", {"attempt": 1, "digest": "r"})
    assert violations_in(and_then(again)) == []


def test_a_worker_that_answered_before_it_was_replaced_is_right() -> None:
    taken_over = (Fact.STARTED, "w2", "t1", {"attempt": 1})
    assert violations_in(before(Fact.ANSWER_CONFIRMED, taken_over)) == []


def test_without_redis_a_late_answer_is_no_broken_promise() -> None:
    events = before(
        Fact.ANSWERING,
        (Fact.STRUCK, "w1", "t1", {"note": "redis-killed at S6"}),
        (Fact.STARTED, "w2", "t1", {"attempt": 1}),
    )
    assert violations_in(events) == []


def test_an_ack_after_the_copy_for_the_next_attempt_is_right() -> None:
    events = chronicle(
        (Fact.RETRY_CONFIRMED, "w1", "t1", {"attempt": 2}),
        (Fact.ACKING, "w1", "t1", {"attempt": 1}),
    )
    assert violations_in(events) == []


def test_an_answer_that_came_before_the_cancellation_may_be_given() -> None:
    assert violations_in(before(Fact.ANSWERING, (Fact.CANCEL_ACCEPTED, "o", "t1"))) == []


def test_a_stored_result_may_be_published_again_by_anybody() -> None:
    events = and_then(
        (Fact.STARTED, "w2", "t1", {"attempt": 1}),
        (Fact.CLAIMED, "w1", "t1", {"note": "Finished"}),
        (Fact.ANSWERING, "w1", "t1", {"attempt": 1}),
    )
    assert violations_in(events) == []


def test_a_copy_of_a_held_task_charges_no_attempt() -> None:
    events = chronicle(
        (Fact.RETRY_CONFIRMED, "w2", "t1", {"attempt": 1}),
        (Fact.GIVEN, "orchestrator", "t1", {"attempt": 2, "digest": "r"}),
    )
    assert "attempts_are_bounded" in broken_checks(events)
