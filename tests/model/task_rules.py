"""What orchestrators and providers do."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from llmbus.shared import FailureKind
from llmbus.shared.task import UnknownOutcomePolicy
from tests.model.steps import ModelMachine, one_of, step, which

__all__ = ["TaskRules"]

_MOST_TASKS = 3
_MOST_MESSAGES = 8
_CALLS_FAIL_AS = (
    FailureKind.RATE_LIMITED,
    FailureKind.UNAVAILABLE,
    FailureKind.OUTCOME_UNKNOWN,
    FailureKind.REFUSED,
    FailureKind.ACCOUNT,
)


class TaskRules(ModelMachine):
    """Tasks are asked for, cancelled, answered."""

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

    @property
    def may_ask_more(self) -> bool:
        asked = sum(map(len, self.world.journal.accepted.values()))
        return 0 < asked < _MOST_MESSAGES
