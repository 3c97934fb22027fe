"""Any history of a task keeps the promises, and goes the same on every store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import redis.asyncio
from hypothesis import HealthCheck, example, given, settings
from pydantic import SecretStr

from llmbus.shared.settings import StoreSettings
from llmbus.shared.store.claims import CancelNoted, CancelRequested, Claimed, Renewed, StoredResult
from llmbus.shared.store.keys import Keys
from llmbus.shared.store.memory import MemoryStore
from llmbus.shared.store.redis import RedisStore
from tests.contracts.store.claimants import LIFETIME
from tests.contracts.store.histories import HISTORIES, Step, Subject

STEP = timedelta(milliseconds=1)


class SteppingClock:
    """Moves only when told, but never gives the same moment twice."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += STEP
        return self.time


def memory_subject(store: MemoryStore, clock: SteppingClock) -> Subject:
    async def lapse() -> None:
        clock.time += LIFETIME

    async def lose_data() -> None:
        await store.__aexit__(None, None, None)
        await store.__aenter__()

    return Subject(store, lapse, lose_data)


def redis_subject(store: RedisStore, raw: Any, prefix: str) -> Subject:
    async def lapse() -> None:
        await raw.delete(Keys(prefix).claim("t-1"))  # all that its expiry does

    async def lose_data() -> None:
        await raw.delete(*Keys(prefix).of_task("t-1"), Keys(prefix).late_results)

    return Subject(store, lapse, lose_data)


@given(history=HISTORIES)
@settings(
    max_examples=100,
    # every example has a prefix of its own, so sharing the fixtures mixes nothing
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_a_history_goes_the_same_in_memory_and_in_redis(
    redis_url: str, key_prefix: str, history: list[Step]
) -> None:
    prefix = f"{key_prefix}-{uuid4().hex}"
    redis_settings = StoreSettings(redis_url=SecretStr(redis_url), prefix=prefix)
    client: Any = redis.asyncio.Redis.from_url(redis_url)  # pyright: ignore[reportUnknownMemberType]
    clock = SteppingClock()
    async with client, MemoryStore(clock) as memory, RedisStore(redis_settings) as in_redis:
        subjects = [memory_subject(memory, clock), redis_subject(in_redis, client, prefix)]
        for number, step in enumerate(history):
            answers = [subject.comparable(await subject.do(step)) for subject in subjects]
            assert answers[0] == answers[1], f"at step {number}"
            assert await memory.outcome_of("t-1") == await in_redis.outcome_of("t-1")
            assert await memory.late_results() == await in_redis.late_results()
        assert all(subject.tokens == sorted(subject.tokens) for subject in subjects)


@given(history=HISTORIES)
@example([Step("claim", "a"), Step("lapse", "a"), Step("claim", "b"), Step("succeed", "a")])
@example([Step("claim", "a"), Step("cancel_all", "a"), Step("succeed", "a")])
@settings(max_examples=1000)
async def test_a_history_keeps_the_promises(history: list[Step]) -> None:
    clock = SteppingClock()
    async with MemoryStore(clock) as store:
        subject = memory_subject(store, clock)
        promises = Promises()
        for step in history:
            answer = await subject.do(step)
            assert subject.tokens == sorted(subject.tokens), "tokens only grow"
            promises.check(step, answer, subject, await store.outcome_of("t-1"))


@dataclass
class Promises:
    """What must hold, told by nothing but the answers, until the store loses its data."""

    success: StoredResult | None = None
    is_cancelled: bool = False
    """All submissions are."""
    newest: int = 0
    """The token that was given last."""

    def check(
        self, step: Step, answer: Any, subject: Subject, outcome: StoredResult | None
    ) -> None:
        if step.act == "lose_data":
            self.success, self.is_cancelled, self.newest = None, False, 0
            return
        if self.success:
            assert outcome == self.success, "a success stays as it is"
        if outcome and outcome.succeeded:
            assert not self.is_cancelled, "nothing goes from cancelled to succeeded"
            self.success = outcome
        match answer:
            case Claimed(claim):
                assert self.success is None, "what has succeeded is not run"
                assert not self.is_cancelled, "what is cancelled is not run"
                assert claim.token >= self.newest, "no run gets back what another one has"
                self.newest = claim.token
            case Renewed() | CancelRequested():
                assert subject.claims[step.run_id].token >= self.newest, "one run at a time"
            case CancelNoted() if step.act == "cancel_all":
                self.is_cancelled = True
            case _:
                pass
