"""Several agents for one task: who is asked, who wins, what it cost, and what a cancel leaves."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from llmbus.shared import AgentTask, ExecutionResult, ExecutionStatus, Failure, FailureKind, Usage
from llmbus.shared.clock import SystemClock
from llmbus.shared.hybrid import HybridStrategy, HybridWish, run_hybrid
from tests.support.failures import failure_kind

TASK = AgentTask("t1", "Title", "Do it.", "mixed")
FIRST, RACE, ALL = HybridStrategy.FIRST_SUCCESS, HybridStrategy.RACE, HybridStrategy.ALL
Behaviour = Callable[[], Awaitable[ExecutionResult]]


def result(agent: str, status: ExecutionStatus, **fields: Any) -> ExecutionResult:
    now = datetime.now(UTC)
    return ExecutionResult("t1", agent, status, now, now, attempts=1, **fields)


def answered(agent: str, cost: float | None = 0.5) -> Behaviour:
    async def behave() -> ExecutionResult:
        return result(
            agent,
            ExecutionStatus.SUCCESS,
            output=f"{agent} says so",
            metadata={"execution_mode": "llm_direct", "provider": f"of {agent}", "model": "m"},
            usage=Usage(10, 20, 3, 4, cost_usd=cost),
        )

    return behave


def failing(agent: str, kind: FailureKind, **fields: Any) -> Behaviour:
    async def behave() -> ExecutionResult:
        text = f"{agent} is {kind.value}"
        failure = Failure(kind, text, **fields)
        return result(agent, ExecutionStatus.FAILED, error=text, failure=failure)

    return behave


class Agents:
    """Behave as they are told, and remember how it went."""

    def __init__(self, **behaviours: Behaviour) -> None:
        self.behaviours = behaviours
        self.asked: list[str] = []
        self.running: set[str] = set()
        self.cancelled: list[str] = []
        self.all_asked = asyncio.Event()
        self.begun = defaultdict[str, asyncio.Event](asyncio.Event)
        self.ended = defaultdict[str, asyncio.Event](asyncio.Event)

    async def ask(self, name: str) -> ExecutionResult:
        self.asked.append(name)
        self.running.add(name)
        self.begun[name].set()
        if len(self.asked) == len(self.behaviours):
            self.all_asked.set()
        try:
            return await self.behaviours[name]()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # hanging up takes a turn of the loop or two
            await asyncio.sleep(0)
            self.cancelled.append(name)
            raise
        finally:
            self.running.discard(name)
            self.ended[name].set()

    async def run(self, strategy: HybridStrategy) -> ExecutionResult:
        wish = HybridWish(tuple(self.behaviours), strategy)
        return await run_hybrid(TASK, wish, self.ask, SystemClock())


async def endless() -> ExecutionResult:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def report(hybrid: ExecutionResult) -> dict[str, Any]:
    found: dict[str, Any] = hybrid.metadata["hybrid"]
    return found


def statuses(hybrid: ExecutionResult) -> list[tuple[str, str]]:
    return [(answer["agent"], answer["status"]) for answer in report(hybrid)["answers"]]


async def test_first_success_asks_nobody_after_it() -> None:
    agents = Agents(a=failing("a", FailureKind.RATE_LIMITED), b=answered("b"), c=answered("c"))
    hybrid = await agents.run(FIRST)
    assert agents.asked == ["a", "b"]
    assert (hybrid.status, hybrid.output, hybrid.error) == ("success", "b says so", "")
    assert (hybrid.agent, hybrid.attempts, hybrid.failure) == ("mixed", 2, None)
    assert report(hybrid)["answered_by"] == "b"
    assert statuses(hybrid) == [("a", "failed"), ("b", "success")]
    assert hybrid.metadata["provider"] == "of b"


async def test_answer_says_all_about_its_agent() -> None:
    (answer,) = report(await Agents(b=answered("b")).run(FIRST))["answers"]
    duration = answer.pop("duration_seconds")
    assert isinstance(duration, float)
    assert answer == {
        "agent": "b",
        "status": "success",
        "model": "m",
        "provider": "of b",
        "output": "b says so",
        "error": "",
        "usage": {
            "input_tokens": 10,
            "output_tokens": 20,
            "cached_tokens": 3,
            "reasoning_tokens": 4,
            "cost_usd": 0.5,
        },
        "cost_usd": 0.5,
        "cancelled": False,
        "failure": None,
        "metadata": {"execution_mode": "llm_direct", "provider": "of b", "model": "m"},
    }


@pytest.mark.parametrize("strategy", list(HybridStrategy))
async def test_result_survives_the_wire(strategy: HybridStrategy) -> None:
    agents = Agents(a=failing("a", FailureKind.REFUSED), b=answered("b"))
    hybrid = await agents.run(strategy)
    assert ExecutionResult.from_dict(hybrid.to_dict()) == hybrid


@pytest.mark.parametrize("strategy", list(HybridStrategy))
async def test_nobody_answers(strategy: HybridStrategy) -> None:
    agents = Agents(
        a=failing("a", FailureKind.RATE_LIMITED, retryable=True, retry_after_seconds=7),
        b=failing("b", FailureKind.UNAVAILABLE, retryable=True),
    )
    hybrid = await agents.run(strategy)
    said = "2 of 2 agents did not answer: a: a is rate_limited; b: b is unavailable"
    assert (hybrid.status, hybrid.error) == (ExecutionStatus.FAILED, said)
    assert hybrid.failure == Failure(
        FailureKind.UNAVAILABLE,
        said,
        retryable=True,
        retry_after_seconds=7,
    )
    assert report(hybrid)["answered_by"] is None


@pytest.mark.parametrize("strategy", list(HybridStrategy))
async def test_failure_that_may_be_billed_is_not_retryable(strategy: HybridStrategy) -> None:
    agents = Agents(
        a=failing("a", FailureKind.OUTCOME_UNKNOWN),
        b=failing("b", FailureKind.UNAVAILABLE, retryable=True),
    )
    hybrid = await agents.run(strategy)
    assert hybrid.failure is not None
    assert not hybrid.failure.retryable


async def test_all_succeeds_if_every_one_does() -> None:
    hybrid = await Agents(a=answered("a", 0.25), b=answered("b", 0.5)).run(ALL)
    assert hybrid.status is ExecutionStatus.SUCCESS
    assert hybrid.output == "## a\n\na says so\n\n## b\n\nb says so"
    assert hybrid.usage == Usage(20, 40, 6, 8, cost_usd=0.75)
    assert hybrid.metadata["execution_mode"] == "llm_direct"


async def test_all_fails_if_one_does_and_keeps_what_was_paid_for() -> None:
    agents = Agents(a=answered("a"), b=failing("b", FailureKind.UNAVAILABLE, retryable=True))
    hybrid = await agents.run(ALL)
    assert failure_kind(hybrid) is FailureKind.UNAVAILABLE
    assert hybrid.error == "1 of 2 agents did not answer: b: b is unavailable"
    assert hybrid.failure is not None
    assert not hybrid.failure.retryable, "the other would be paid again"
    assert hybrid.output == "## a\n\na says so"
    assert report(hybrid)["answers"][0]["output"] == "a says so"


@pytest.mark.parametrize("strategy", [RACE, ALL])
async def test_all_are_asked_side_by_side(strategy: HybridStrategy) -> None:
    agents = Agents()

    async def together() -> ExecutionResult:
        await agents.all_asked.wait()
        return await answered("a")()

    agents.behaviours.update(a=together, b=together, c=together)
    async with asyncio.timeout(5):
        assert (await agents.run(strategy)).status is ExecutionStatus.SUCCESS


async def test_losers_of_a_race_have_hung_up_before_its_result() -> None:
    agents = Agents(a=endless, b=answered("b"), c=endless)
    hybrid = await agents.run(RACE)
    assert (agents.running, sorted(agents.cancelled)) == (set(), ["a", "c"])
    assert report(hybrid)["answered_by"] == "b"
    assert statuses(hybrid) == [("a", "cancelled"), ("b", "success"), ("c", "cancelled")]
    assert [answer["cancelled"] for answer in report(hybrid)["answers"]] == [True, False, True]


async def test_race_goes_on_while_one_may_still_succeed() -> None:
    agents = Agents(a=failing("a", FailureKind.REFUSED))

    async def after_a() -> ExecutionResult:
        await agents.ended["a"].wait()
        return await answered("b")()

    agents.behaviours["b"] = after_a
    hybrid = await agents.run(RACE)
    assert statuses(hybrid) == [("a", "failed"), ("b", "success")]


async def test_of_two_that_are_equally_fast_the_first_named_wins() -> None:
    hybrid = await Agents(a=answered("a"), b=answered("b")).run(RACE)
    assert report(hybrid)["answered_by"] == "a"
    assert hybrid.output == "a says so"
    assert report(hybrid)["answers"][1]["output"] == "b says so", "it was paid for"
    assert hybrid.usage == Usage(20, 40, 6, 8, cost_usd=1.0)


async def test_loser_that_ends_in_spite_of_the_cancel_is_counted() -> None:
    async def stubborn() -> ExecutionResult:
        try:
            return await endless()
        except asyncio.CancelledError:
            return await answered("a", cost=0.25)()

    hybrid = await Agents(a=stubborn, b=answered("b", cost=0.5)).run(RACE)
    assert report(hybrid)["answered_by"] == "b"
    assert statuses(hybrid) == [("a", "success"), ("b", "success")]
    assert hybrid.usage == Usage(20, 40, 6, 8, cost_usd=0.75)


async def test_cost_of_a_race_with_a_cancelled_loser_is_unknown() -> None:
    hybrid = await Agents(a=endless, b=answered("b")).run(RACE)
    assert hybrid.usage == Usage(10, 20, 3, 4, cost_usd=None)


@pytest.mark.parametrize(
    ("kind", "cost"),
    [
        (FailureKind.RATE_LIMITED, 0.5),
        (FailureKind.UNAVAILABLE, 0.5),
        (FailureKind.MISSING_API_KEY, 0.5),
        (FailureKind.MISSING_DEPENDENCIES, 0.5),
        (FailureKind.UNKNOWN_AGENT, 0.5),
        (FailureKind.REJECTED, 0.5),
        (FailureKind.CONTEXT_TOO_LONG, 0.5),
        (FailureKind.ACCOUNT, 0.5),
        (FailureKind.REFUSED, None),
        (FailureKind.TIMEOUT, None),
        (FailureKind.OUTCOME_UNKNOWN, None),
        (FailureKind.EXPIRED, None),
        (FailureKind.INTERNAL, None),
    ],
)
async def test_total_cost_is_known_only_if_that_of_every_part_is(
    kind: FailureKind, cost: float | None
) -> None:
    hybrid = await Agents(a=failing("a", kind), b=answered("b")).run(FIRST)
    assert hybrid.usage == Usage(10, 20, 3, 4, cost_usd=cost)


async def test_one_part_without_a_price_makes_the_whole_unknown() -> None:
    hybrid = await Agents(a=answered("a", cost=None), b=answered("b")).run(ALL)
    assert hybrid.usage == Usage(20, 40, 6, 8, cost_usd=None)


@pytest.mark.parametrize("strategy", list(HybridStrategy))
async def test_error_of_one_is_its_failed_answer(strategy: HybridStrategy) -> None:
    async def broken() -> ExecutionResult:
        raise ConnectionError("the line is dead")

    hybrid = await Agents(a=broken, b=answered("b")).run(strategy)
    assert statuses(hybrid) == [("a", "failed"), ("b", "success")]
    assert report(hybrid)["answers"][0]["error"] == "ConnectionError: the line is dead"


@pytest.mark.parametrize("strategy", list(HybridStrategy))
async def test_cancellation_that_nobody_asked_for_is_an_unknown_outcome(
    strategy: HybridStrategy,
) -> None:
    async def lost() -> ExecutionResult:
        raise asyncio.CancelledError

    agents = Agents(a=lost, b=failing("b", FailureKind.REJECTED))
    hybrid = await agents.run(strategy)
    assert statuses(hybrid) == [("a", "failed"), ("b", "failed")]
    assert report(hybrid)["answers"][0]["failure"]["kind"] == "outcome_unknown"


@pytest.mark.parametrize(
    ("strategy", "asked"), [(FIRST, ["a"]), (RACE, ["a", "b"]), (ALL, ["a", "b"])]
)
async def test_cancel_from_outside_ends_all_that_are_asked(
    strategy: HybridStrategy, asked: list[str]
) -> None:
    agents = Agents(a=endless, b=endless)
    running = asyncio.create_task(agents.run(strategy))
    for name in asked:
        await agents.begun[name].wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (agents.asked, sorted(agents.cancelled), agents.running) == (asked, asked, set())


async def test_cancel_from_outside_while_a_race_ends_waits_for_the_losers() -> None:
    hanging_up = asyncio.Event()
    has_hung_up = asyncio.Event()

    async def slow_to_hang_up() -> ExecutionResult:
        try:
            return await endless()
        finally:
            try:
                hanging_up.set()
                await endless()
            finally:
                await asyncio.sleep(0)
                has_hung_up.set()

    running = asyncio.create_task(Agents(a=slow_to_hang_up, b=answered("b")).run(RACE))
    await hanging_up.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert has_hung_up.is_set()


@pytest.mark.parametrize("strategy", list(HybridStrategy))
async def test_one_agent_alone_gives_its_own_result(strategy: HybridStrategy) -> None:
    hybrid = await Agents(a=failing("a", FailureKind.ACCOUNT)).run(strategy)
    assert (hybrid.error, failure_kind(hybrid)) == ("a is account", FailureKind.ACCOUNT)
    assert statuses(hybrid) == [("a", "failed")]


async def test_pending_is_no_answer_but_stays_one_where_nobody_else_is_asked() -> None:
    async def pending() -> ExecutionResult:
        return ExecutionResult(
            "t1", "a", ExecutionStatus.PENDING, datetime.now(UTC), output="Use a subagent"
        )

    alone = await Agents(a=pending).run(FIRST)
    assert (alone.status, alone.output) == (ExecutionStatus.PENDING, "Use a subagent")
    assert (alone.completed_at, alone.attempts) == (None, 0)
    followed = await Agents(a=pending, b=answered("b")).run(FIRST)
    assert report(followed)["answered_by"] == "b"
    assert followed.usage == Usage(10, 20, 3, 4, cost_usd=0.5)
    beside = await Agents(a=pending, b=answered("b")).run(ALL)
    assert beside.error == "1 of 2 agents did not answer: a: pending"
