"""The board knows where every task is, from events and results alone."""

from __future__ import annotations

from llmbus.ops.cli.board import State
from llmbus.shared import ExecutionStatus, FailureKind, TaskPriority, TaskStatus
from llmbus.worker.events import TaskFinished, TaskInterrupted, TaskRetried, TaskStarted
from tests.unit.cli.sample import board, failed, success, task

LANE = "openai-gpt"


def test_new_board_has_every_task_queued() -> None:
    one, clock = board(task("a"), task("b", TaskPriority.HIGH))
    clock.seconds += 2.5
    assert one.seconds == 2.5
    assert one.outstanding == 2
    assert one.counts()[TaskPriority.HIGH] == {State.QUEUED: 1}
    assert one.counts()[TaskPriority.LOW] == {}
    assert {row.state for row in one.rows.values()} == {State.QUEUED}


def test_task_runs_waits_and_is_done_on_its_second_attempt() -> None:
    one, clock = board(task("a"))
    row = one.rows["a"]
    one.on_event(TaskStarted("a", LANE, 1))
    assert (row.state, row.attempt) == (State.RUNNING, 1)
    clock.seconds += 1
    one.on_event(TaskRetried("a", LANE, 1, "unavailable", "overloaded", 0.25))
    assert (row.state, one.retries, row.changed_at) == (State.WAITING, 1, clock.seconds)
    assert row.note == "unavailable: overloaded; again in 0.2 s"
    one.on_event(TaskStarted("a", LANE, 2))
    assert (row.state, row.attempt) == (State.RUNNING, 2)
    one.on_event(TaskFinished("a", LANE, 2, 1.0))
    assert row.state is State.RUNNING
    one.on_result(success("a", attempts=2))
    assert (row.state, row.note, one.outstanding) == (State.DONE, "on attempt 2", 0)


def test_overtaking_counts_queued_tasks_of_the_same_agent_that_came_first() -> None:
    one, _ = board(
        task("a"),
        task("b"),
        task("other", agent="gemini-pro"),
        task("urgent", TaskPriority.CRITICAL),
        task("last"),
    )
    one.on_event(TaskStarted("a", LANE, 1))
    one.on_event(TaskStarted("urgent", LANE, 1))
    assert one.rows["a"].note == ""
    assert one.rows["urgent"].note == "overtook 1"
    one.on_result(success("urgent"))
    assert one.rows["urgent"].note == "overtook 1"


def test_second_attempt_overtakes_nobody() -> None:
    one, _ = board(task("first"), task("again"))
    one.on_event(TaskStarted("again", LANE, 2))
    assert one.rows["again"].note == ""


def test_interrupted_task_is_queued_again() -> None:
    one, _ = board(task("a"))
    one.on_event(TaskStarted("a", LANE, 1))
    one.on_event(TaskInterrupted("a", LANE, 1))
    assert one.rows["a"].state is State.QUEUED
    assert one.outstanding == 1


def test_failure_for_good_is_noted_with_its_kind() -> None:
    one, _ = board(task("a"))
    one.on_result(failed("a", FailureKind.ACCOUNT, "quota used up"))
    assert (one.rows["a"].state, one.rows["a"].note) == (State.FAILED, "account: quota used up")


def test_events_after_the_result_change_nothing() -> None:
    one, _ = board(task("a"))
    one.on_result(success("a"))
    one.on_event(TaskStarted("a", LANE, 1))
    assert one.rows["a"].state is State.DONE


def test_tasks_of_other_runs_are_not_on_the_board() -> None:
    one, _ = board(task("a"))
    one.on_event(TaskStarted("stranger", LANE, 1))
    one.on_result(success("stranger"))
    assert list(one.rows) == ["a"]
    assert one.outstanding == 1


def test_task_with_dependencies_is_planned_until_it_is_submitted() -> None:
    one, _ = board(task("a"), task("b", dependencies=["a"]))
    row = one.rows["b"]
    assert (row.state, one.waits_for(row), one.is_project) == (State.PLANNED, ["a"], True)
    one.on_result(success("a"))
    assert one.waits_for(row) == []
    one.on_change(task("b", dependencies=["a"], status=TaskStatus.IN_PROGRESS))
    assert row.state is State.QUEUED


def test_blocked_task_has_ended_and_says_what_it_needs() -> None:
    one, _ = board(task("a"), task("b", dependencies=["a"]))
    one.on_result(failed("a", FailureKind.ACCOUNT, "quota used up"))
    one.on_change(task("b", dependencies=["a"], status=TaskStatus.BLOCKED))
    assert (one.rows["b"].state, one.rows["b"].note) == (State.BLOCKED, "needs a")
    assert (one.outstanding, one.all_done) == (0, False)
    one.on_change(task("a", status=TaskStatus.PENDING))
    one.on_change(task("b", status=TaskStatus.PENDING))
    assert (one.rows["a"].state, one.rows["b"].state) == (State.PLANNED, State.PLANNED)


def test_what_an_earlier_run_did_is_on_the_board() -> None:
    one, _ = board(task("done"), task("failed"))
    one.on_change(task("done", status=TaskStatus.COMPLETED))
    one.on_change(task("failed", status=TaskStatus.FAILED))
    one.explain({"failed": "quota used up"})
    assert (one.rows["done"].state, one.rows["done"].note) == (State.DONE, "before")
    assert one.rows["failed"].note == "failed before: quota used up"


def test_task_for_a_person_waits_and_shows_the_command() -> None:
    one, _ = board(task("a"))
    pending = success("a")
    pending.status = ExecutionStatus.PENDING
    pending.output = "Use claude subagent to Title of a"
    one.on_result(pending)
    row = one.rows["a"]
    assert (row.state, one.all_done, one.retries) == (State.WAITING, False, 0)
    assert row.note == "for a person (then --done a): Use claude subagent to Title of a"


def test_cancelled_task_counts_as_failed() -> None:
    one, _ = board(task("a"))
    cancelled = failed("a", FailureKind.INTERNAL, "not wanted")
    cancelled.status = ExecutionStatus.CANCELLED
    one.on_result(cancelled)
    assert one.rows["a"].state is State.FAILED
