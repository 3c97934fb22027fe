"""When another attempt is made, as a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmbus.shared import Failure, FailureKind
from llmbus.shared.ladder import DEFAULT_LADDER, RetryLadder
from llmbus.worker.retry import RetryPolicy

NOW = datetime(2026, 11, 22, tzinfo=UTC)
POLICY = RetryPolicy(DEFAULT_LADDER, max_attempts=5)


def seconds(delay: timedelta | None) -> float | None:
    return None if delay is None else delay.total_seconds()


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
) -> float | None:
    failure = Failure(
        FailureKind.RATE_LIMITED, "no", retryable=retryable, retry_after_seconds=retry_after
    )
    return seconds(
        policy.next_delay(
            failure,
            attempt=attempt,
            max_attempts=max_attempts,
            deadline=deadline,
            now=NOW,
            choose=last if highest else first,
        )
    )


def test_each_attempt_waits_one_step_longer() -> None:
    assert [decide(attempt=attempt) for attempt in (1, 2, 3, 4)] == [0.8, 4, 12, 48]
    assert [decide(attempt=attempt, highest=True) for attempt in (1, 2)] == [1.2, 6]


def test_what_paying_again_cannot_mend_is_given_up() -> None:
    assert decide(retryable=False) is None


@pytest.mark.parametrize(
    ("attempt", "max_attempts", "again"),
    [(4, None, True), (5, None, False), (1, 1, False), (2, 3, True), (9, 3, False)],
)
def test_attempts_are_bounded(attempt: int, max_attempts: int | None, again: bool) -> None:
    assert (decide(attempt=attempt, max_attempts=max_attempts) is not None) is again


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
    assert decide(deadline=NOW + timedelta(seconds=0.8)) is None
    assert decide(deadline=NOW + timedelta(seconds=0.9)) == 0.8


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
    assert delay in rungs
    assert delay >= min(retry_after or 0, rungs[-1])
