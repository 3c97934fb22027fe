"""When another attempt is made, as a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmbus.shared import Failure, FailureKind, UnknownOutcomePolicy
from llmbus.shared.ladder import DEFAULT_LADDER, RetryLadder
from llmbus.worker.retry import GiveUp, RetryPolicy, Standing

NOW = datetime(2026, 11, 22, tzinfo=UTC)
POLICY = RetryPolicy(DEFAULT_LADDER, max_attempts=5)


def first(delays: Sequence[timedelta]) -> timedelta:
    return delays[0]


def last(delays: Sequence[timedelta]) -> timedelta:
    return delays[-1]


def decide(
    *,
    attempt: int = 1,
    retryable: bool = True,
    retry_after: float | None = None,
    max_attempts: int | None = None,
    deadline: datetime | None = None,
    highest: bool = False,
    policy: RetryPolicy = POLICY,
    kind: FailureKind = FailureKind.RATE_LIMITED,
    earlier: Mapping[str, int] | None = None,
    on_unknown_outcome: UnknownOutcomePolicy = UnknownOutcomePolicy.GIVE_UP,
) -> float | GiveUp:
    failure = Failure(kind, "no", retryable=retryable, retry_after_seconds=retry_after)
    standing = Standing(
        attempt=attempt,
        earlier={kind: attempt - 1} if earlier is None else earlier,
        max_attempts=max_attempts,
        on_unknown_outcome=on_unknown_outcome,
        deadline=deadline,
    )
    decided = policy.decide(failure, standing, NOW, last if highest else first)
    return decided if isinstance(decided, GiveUp) else decided.total_seconds()


def test_each_attempt_waits_one_step_longer() -> None:
    assert [decide(attempt=attempt) for attempt in (1, 2, 3, 4)] == [0.8, 4, 12, 48]
    assert [decide(attempt=attempt, highest=True) for attempt in (1, 2)] == [1.2, 6]


def test_what_paying_again_cannot_mend_is_given_up() -> None:
    assert decide(retryable=False) is GiveUp.NOT_RETRYABLE


@pytest.mark.parametrize(
    ("attempt", "max_attempts", "again"),
    [(4, None, True), (5, None, False), (1, 1, False), (2, 3, True), (9, 3, False)],
)
def test_attempts_are_bounded(attempt: int, max_attempts: int | None, again: bool) -> None:
    decided = decide(attempt=attempt, max_attempts=max_attempts)
    assert (decided is not GiveUp.USED_UP) is again


@pytest.mark.parametrize(
    ("retry_after", "shortest", "longest"),
    [(0.5, 0.8, 1.2), (0.8, 0.8, 1.2), (1.1, 1.2, 5), (7, 12, 18), (3000, 3600, 4320)],
)
def test_retry_after_is_rounded_up(retry_after: float, shortest: float, longest: float) -> None:
    assert decide(retry_after=retry_after) == shortest
    assert decide(retry_after=retry_after, highest=True) == longest


def test_retry_after_beyond_the_ladder_waits_the_longest_rung() -> None:
    assert decide(retry_after=86_400) == 4320


def test_retry_that_would_come_after_the_deadline_is_given_up() -> None:
    assert decide(deadline=NOW + timedelta(seconds=0.8)) is GiveUp.TOO_LATE
    assert decide(deadline=NOW + timedelta(seconds=0.9)) == 0.8


def test_each_kind_has_steps_of_its_own() -> None:
    assert decide(attempt=4, earlier={"unavailable": 3}) == 0.8
    assert decide(attempt=4, earlier={"unavailable": 1, "rate_limited": 2}) == 12


def test_kind_is_given_up_when_its_budget_is_used_up() -> None:
    policy = RetryPolicy(DEFAULT_LADDER, 10, {FailureKind.RATE_LIMITED: 2})
    assert decide(attempt=1, policy=policy) == 0.8
    assert decide(attempt=2, policy=policy) is GiveUp.USED_UP
    assert decide(attempt=2, policy=policy, earlier={"unavailable": 1}) == 0.8
    assert decide(attempt=3, policy=policy, kind=FailureKind.UNAVAILABLE) == 12


def test_budget_does_not_widen_the_bound_of_all_attempts() -> None:
    policy = RetryPolicy(DEFAULT_LADDER, 2, {FailureKind.RATE_LIMITED: 9})
    assert decide(attempt=2, policy=policy) is GiveUp.USED_UP


def test_unknown_outcome_is_repeated_only_where_the_task_says_so() -> None:
    unknown = FailureKind.OUTCOME_UNKNOWN
    assert decide(kind=unknown, retryable=False) is GiveUp.NOT_RETRYABLE
    again = UnknownOutcomePolicy.RETRY
    assert decide(kind=unknown, retryable=False, on_unknown_outcome=again) == 0.8
    assert decide(retryable=False, on_unknown_outcome=again) is GiveUp.NOT_RETRYABLE


@given(
    attempt=st.integers(1, 50),
    retry_after=st.none() | st.floats(0, 4320),
    steps=st.lists(st.integers(1, 4000), min_size=1, max_size=6, unique=True),
)
def test_delay_is_always_a_rung_and_never_too_early(
    attempt: int, retry_after: float | None, steps: list[int]
) -> None:
    ladder = RetryLadder(tuple(timedelta(seconds=step) for step in sorted(steps)))
    policy = RetryPolicy(ladder, max_attempts=100)
    rungs = [rung.total_seconds() for rung in ladder.all_rungs()]
    delay = decide(attempt=attempt, retry_after=retry_after, policy=policy)
    assert isinstance(delay, float)
    assert delay in rungs
    assert delay >= min(retry_after or 0, rungs[-1])
