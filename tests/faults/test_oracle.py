"""The oracle accepts what is right and refuses every way in which a promise can be broken."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.faults.bad_histories import BAD, and_then, before
from tests.faults.bad_histories_of_scripts import (
    a_cancelled_script,
    a_scripted_run,
    a_second_failure,
    parked_because,
)
from tests.faults.chronicle import a_deadly_run, a_good_run, a_pardoned_run, chronicle
from tests.faults.history import Event, Fact
from tests.faults.oracle import ALL_INVARIANTS, violations_in


def broken_checks(events: list[Event]) -> set[str]:
    return {violation.invariant.split()[-1] for violation in violations_in(events)}


def test_a_good_run_breaks_nothing() -> None:
    assert violations_in(a_good_run()) == []


@pytest.mark.parametrize(("check", "events"), BAD.values(), ids=BAD.keys())
def test_a_broken_promise_is_found(check: str, events: list[Event]) -> None:
    assert check in broken_checks(events)


def test_every_check_can_fail() -> None:
    checks = {check.__name__ for check in ALL_INVARIANTS}
    assert checks == {check for check, _ in BAD.values()}


def test_the_same_result_again_after_the_death_of_the_orchestrator_is_right() -> None:
    again = (Fact.GIVEN, "orchestrator-next", "t1", {"attempt": 1, "digest": "r"})
    assert violations_in(and_then(again)) == []


def test_who_asks_again_may_be_given_the_same_result_again() -> None:
    events = and_then(
        (Fact.SUBMITTING, "orchestrator2", "t1", {"digest": "body"}),
        (Fact.GIVEN, "orchestrator2", "t1", {"attempt": 1, "digest": "r"}),
        (Fact.GIVEN, "orchestrator2", "t1", {"attempt": 1, "digest": "r"}),
    )
    assert violations_in(events) == []


def test_a_worker_that_answered_before_it_was_replaced_is_right() -> None:
    taken_over = (Fact.CLAIMED, "w2", "t1", {"note": "Claimed"})
    assert violations_in(before(Fact.ANSWER_CONFIRMED, taken_over)) == []


def test_without_redis_a_late_answer_is_no_broken_promise() -> None:
    events = before(
        Fact.ANSWERING,
        (Fact.STRUCK, "w1", "t1", {"note": "redis-killed at S6"}),
        (Fact.CLAIMED, "w2", "t1", {"note": "Claimed"}),
    )
    assert violations_in(events) == []


def test_an_ack_after_the_copy_for_the_next_attempt_is_right() -> None:
    events = chronicle(
        (Fact.RETRY_CONFIRMED, "w1", "t1", {"attempt": 2}),
        (Fact.ACKED, "w1", "t1", {"attempt": 1}),
    )
    assert violations_in(events) == []


def test_an_answer_that_came_before_the_cancellation_may_be_given() -> None:
    assert violations_in(before(Fact.ANSWERING, (Fact.CANCEL_REFUSED, "o", "t1"))) == []


def test_a_run_that_had_its_claim_may_call_when_it_is_cancelled() -> None:
    good = a_good_run()
    events = before(Fact.CALLED, (Fact.CANCEL_ACCEPTED, "o", "t1"))
    events = [
        structs.replace(event, note="cancelled") if event.fact is Fact.GIVEN else event
        for event in events
    ]
    assert len(events) == len(good) + 1
    assert violations_in(events) == []


def test_a_task_that_three_workers_died_of_may_be_answered_and_parked() -> None:
    assert violations_in(a_deadly_run()) == []


def test_a_task_that_its_workers_only_held_when_they_died_is_no_suspect() -> None:
    handed = (
        structs.replace(event, fact=Fact.DELIVERED) if event.fact is Fact.CLAIMING else event
        for event in a_deadly_run()
    )
    assert "only_what_belongs_there_is_parked" in broken_checks(chronicle(*handed))


def test_two_deaths_do_not_make_a_task_deadly() -> None:
    events = chronicle(*(event for event in a_deadly_run() if event.who != "w3"))
    assert "only_what_belongs_there_is_parked" in broken_checks(events)


def test_a_stored_result_may_be_published_again_by_anybody() -> None:
    events = and_then(
        (Fact.CLAIMED, "w2", "t1", {"note": "Claimed"}),
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


def test_an_ack_that_came_too_late_to_count_needs_no_confirmation() -> None:
    events = chronicle(
        (Fact.ACKING, "w1", "t1", {"attempt": 1}),
        (Fact.SETTLING_LOST, "w1", "t1", {"attempt": 1}),
    )
    assert violations_in(events) == []


def test_a_task_that_is_sent_back_from_parking_has_a_second_result() -> None:
    assert violations_in(a_pardoned_run(answered=True, again=False)) == []


def test_what_a_script_answers_is_right() -> None:
    note = "success by f1"
    events = a_scripted_run(
        (Fact.ANSWERED, "f1", "t1", {"number": 1, "note": "200"}),
        (Fact.SCRIPT_ENDED, "f1", "t1", {"number": 4711}),
        (Fact.ANSWER_CONFIRMED, "f1", "t1", {"attempt": 1}),
        (Fact.GIVEN, "orchestrator", "t1", {"attempt": 1, "digest": "r", "note": note}),
    )
    assert violations_in(events) == []


def test_a_second_failure_is_answered_and_parked() -> None:
    assert violations_in(a_second_failure(parked_because("the fallback failed, too"))) == []


def test_a_task_may_stand_in_parking_if_its_fallback_died_before_it_could_answer() -> None:
    events = a_scripted_run(
        (Fact.PARK_CONFIRMED, "f1", "t1"),
        (Fact.KILLED, "f1"),
        (Fact.GIVEN, "orchestrator", "t1", {"digest": "r", "note": "success by f2"}),
        parked_because("the fallback failed, too"),
    )
    assert violations_in(events) == []


def test_a_script_that_ends_soon_after_its_cancellation_is_right() -> None:
    events = a_cancelled_script(
        (Fact.ANSWERED, "f1", "t1", {"number": 1, "note": "broken"}),
        (Fact.SCRIPT_ENDED, "f1", "t1", {"number": 4711}),
        (Fact.ANSWERING, "f1", "t1", {"attempt": 1}),
        (Fact.GIVEN, "orchestrator", "t1", {"digest": "r", "note": "cancelled by f1"}),
    )
    assert violations_in(events) == []


def test_each_who_meets_a_copy_of_a_cancelled_task_may_say_so() -> None:
    events = chronicle(
        (Fact.CLAIMED, "w1", "t1", {"note": "Cancelled"}),
        (Fact.ANSWERING, "w1", "t1", {"digest": "one"}),
        (Fact.CLAIMED, "f1", "t1", {"note": "Cancelled"}),
        (Fact.ANSWERING, "f1", "t1", {"digest": "other"}),
    )
    assert violations_in(events) == []


def test_whoever_is_handed_a_cancelled_task_may_say_so_without_a_claim() -> None:
    events = chronicle(
        (Fact.SUBMITTING, "orchestrator", "t1", {"digest": "body"}),
        (Fact.CLAIMED, "w1", "t1", {"note": "Claimed"}),
        (Fact.HAND_OVER_CONFIRMED, "w1", "t1", {"attempt": 1}),
        (Fact.CLAIMED, "f1", "t1", {"note": "Cancelled"}),
        (Fact.ANSWERING, "f1", "t1", {"attempt": 1}),
    )
    assert violations_in(events) == []


def test_a_fallback_may_have_to_wait_for_another_one_that_died() -> None:
    events = a_scripted_run((Fact.KILLED, "f1"), (Fact.CLAIMED, "f2", "t1", {"note": "Held"}))
    assert "a_hand_over_needs_no_patience" not in broken_checks(events)
