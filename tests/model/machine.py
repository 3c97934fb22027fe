"""Every way in which tasks, workers and what they stand on can behave, as rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from llmbus.shared import FailureKind
from llmbus.shared.task import UnknownOutcomePolicy
from tests.model.ending import bring_to_an_end
from tests.model.invariants import broken_now
from tests.model.workers import WorkerProcess
from tests.model.world import World

__all__ = ["TaskBus"]

_MOST_TASKS = 3
_MOST_WORKERS = 3
_CALLS_FAIL_AS = (
    FailureKind.RATE_LIMITED,
    FailureKind.UNAVAILABLE,
    FailureKind.OUTCOME_UNKNOWN,
    FailureKind.REFUSED,
    FailureKind.ACCOUNT,
)
_Item = TypeVar("_Item")
which = st.integers(0, 5)
_PAUSES = st.sampled_from((0.0, 0.1, 0.05, 0.2, 0.3, 1.0, 3.0))
_MOST_MESSAGES = 8


def step(**drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A rule after which some time may pass, so that the next one strikes in the midst of things."""

    def decorate(happen: Callable[..., None]) -> Any:
        @wraps(happen)
        def happen_and_wait(self: TaskBus, then: float, **values: Any) -> None:
            self.counts[happen.__name__] += 1
            happen(self, **values)
            self.world.advance(then)

        return rule(then=_PAUSES, **drawn)(happen_and_wait)

    return decorate


class TaskBus(RuleBasedStateMachine):
    """Claim, adoption, settlement and retry, between faults."""

    counts: ClassVar[Counter[str]] = Counter()
    """How often each rule was followed in this process."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.is_broken = False

    @initialize()
    def two_workers_serve(self) -> None:
        for _ in range(2):
            self.world.start_worker()
        self.world.advance(1)

    # --- tasks

    @precondition(lambda self: len(self.world.journal.accepted) < _MOST_TASKS)
    @step(
        attempts=st.sampled_from((3, 2, 1)),
        policy=st.sampled_from(UnknownOutcomePolicy),
        timeout=st.sampled_from((None, 2.0)),
    )
    def submit(self, attempts: int, policy: UnknownOutcomePolicy, timeout: float | None) -> None:
        task_id = f"task {len(self.world.journal.accepted) + 1}"
        self.tell(f"{task_id} is submitted: {attempts} attempts, unknown: {policy}, {timeout=}")
        self.world.submit(
            task_id, max_attempts=attempts, on_unknown_outcome=policy, timeout_seconds=timeout
        )

    @precondition(lambda self: self.may_ask_more)
    @step(number=which)
    def publish_again(self, number: int) -> None:
        accepted = one_of(list(self.world.journal.accepted.values()), number)[-1]
        self.tell(f"{accepted.message.correlation_id} is published again, the same submission")
        self.world.publish(accepted.message)

    @precondition(lambda self: self.may_ask_more)
    @step(number=which)
    def submit_anew(self, number: int) -> None:
        task_id = one_of(list(self.world.journal.accepted), number)
        self.tell(f"{task_id} is submitted anew")
        self.world.submit(task_id, max_attempts=3)

    @precondition(lambda self: self.world.journal.accepted and self.world.shelf.is_reachable)
    @step(number=which)
    def cancel(self, number: int) -> None:
        task_id = one_of(list(self.world.journal.accepted), number)
        self.tell(f"the latest submission of {task_id} is cancelled")
        self.world.cancel(task_id)

    # --- the provider

    @precondition(lambda self: self.world.calls.waiting)
    @step(number=which)
    def answer(self, number: int) -> None:
        call = one_of(self.world.calls.waiting, number)
        self.tell(f"the provider answers {call}")
        self.world.act(self.world.calls.answer, call)

    @precondition(lambda self: self.world.calls.waiting)
    @step(number=which, kind=st.sampled_from(_CALLS_FAIL_AS))
    def fail(self, number: int, kind: FailureKind) -> None:
        call = one_of(self.world.calls.waiting, number)
        self.tell(f"the provider fails {call}: {kind}")
        self.world.act(self.world.calls.fail, call, kind)

    @precondition(lambda self: self.world.calls.waiting)
    @step(number=which)
    def break_off(self, number: int) -> None:
        call = one_of(self.world.calls.waiting, number)
        self.tell(f"the connection of {call} breaks")
        self.world.act(self.world.calls.break_off, call)

    # --- workers

    @precondition(lambda self: len(self.living) < _MOST_WORKERS)
    @step()
    def start(self) -> None:
        self.tell(f"{self.world.start_worker().name} is started")

    @precondition(lambda self: self.living)
    @step(number=which)
    def kill(self, number: int) -> None:
        worker = one_of(self.living, number)
        self.tell(f"{worker.name} is killed")
        self.world.act(worker.kill)

    @precondition(lambda self: self.serving)
    @step(number=which)
    def freeze(self, number: int) -> None:
        worker = one_of(self.serving, number)
        self.tell(f"{worker.name} freezes")
        self.world.act(worker.freeze)

    @precondition(lambda self: self.frozen)
    @step(number=which)
    def thaw(self, number: int) -> None:
        worker = one_of(self.frozen, number)
        self.tell(f"{worker.name} thaws")
        self.world.act(worker.thaw)

    @precondition(lambda self: self.serving)
    @step(number=which)
    def drain(self, number: int) -> None:
        worker = one_of(self.serving, number)
        self.tell(f"{worker.name} drains")
        self.world.act(worker.drain)

    # --- broker and store

    @precondition(lambda self: self.world.broker.is_reachable)
    @step()
    def drop_connections(self) -> None:
        self.tell("every connection breaks")
        self.world.drop_connections()

    @precondition(lambda self: self.living and self.world.broker.is_reachable)
    @step(number=which)
    def lose_connection(self, number: int) -> None:
        worker = one_of(self.living, number)
        self.tell(f"the connection of {worker.name} breaks")
        self.world.lose_connection(worker)

    @step()
    def pause_or_resume_the_broker(self) -> None:
        if self.world.broker.is_reachable:
            self.tell("the broker is away")
            self.world.pause_broker()
        else:
            self.tell("the broker is back")
            self.world.resume_broker()

    @step()
    def lose_or_find_the_store(self) -> None:
        if self.world.shelf.is_reachable:
            self.tell("the store is away")
            self.world.lose_store()
        else:
            self.tell("the store is back")
            self.world.find_store()

    @step()
    def empty_the_store(self) -> None:
        self.tell("the store loses everything")
        self.world.empty_store()

    # --- time

    @rule(seconds=st.sampled_from((0.3, 1, 3, 10)))
    def time_passes(self, seconds: float) -> None:
        self.counts["time_passes"] += 1
        self.world.advance(seconds)

    @invariant()
    def all_promises_are_kept(self) -> None:
        self.world.settle()
        self.require(broken_now(self.world.journal, self.world.now))

    def teardown(self) -> None:
        try:
            if not self.is_broken:
                self.require(bring_to_an_end(self.world))
        finally:
            self.world.close()

    @property
    def may_ask_more(self) -> bool:
        asked = sum(map(len, self.world.journal.accepted.values()))
        return 0 < asked < _MOST_MESSAGES

    @property
    def living(self) -> list[WorkerProcess]:
        return [worker for worker in self.world.workers if not worker.is_over]

    @property
    def serving(self) -> list[WorkerProcess]:
        return [worker for worker in self.world.workers if worker.is_serving]

    @property
    def frozen(self) -> list[WorkerProcess]:
        return [worker for worker in self.living if worker.process.is_frozen]

    def tell(self, sentence: str) -> None:
        self.world.tell(sentence)

    def require(self, broken: list[str]) -> None:
        if broken:
            self.is_broken = True
            story = "\n".join(self.world.journal.story)
            raise AssertionError("; ".join(broken) + f"\n\nWhat happened:\n{story}")


def one_of(items: list[_Item], number: int) -> _Item:
    """Any of them, by a number that shrinks to the first."""
    return items[number % len(items)]
