"""What orchestrators, providers and operators do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from llmbus.shared import FailureKind
from llmbus.shared.task import UnknownOutcomePolicy
from tests.model.steps import WHICH, one_of, step
from tests.model.world import World

__all__ = ["TASK_STEPS"]

_MOST_TASKS: Final = 3
_MOST_MESSAGES: Final = 8
_WAYS: Final[tuple[dict[str, bool], ...]] = ({}, {"use_direct_llm": False}, {"no_key": True})
_CALLS_FAIL_AS: Final = (
    FailureKind.RATE_LIMITED,
    FailureKind.UNAVAILABLE,
    FailureKind.OUTCOME_UNKNOWN,
    FailureKind.REFUSED,
    FailureKind.ACCOUNT,
)


def _may_ask_more(world: World) -> bool:
    return 0 < sum(map(len, world.submitted.values())) < _MOST_MESSAGES


@step(
    weight=8,
    when=lambda world: len(world.submitted) < _MOST_TASKS,
    attempts=(3, 2, 1),
    policy=tuple(UnknownOutcomePolicy),
    timeout=(None, None, 2.0),
    due_in=(None, None, 4.0, 12.0),
    way=(0, 0, 0, 1, 2),
)
def submit(
    world: World,
    attempts: int,
    policy: UnknownOutcomePolicy,
    timeout: float | None,
    due_in: float | None,
    way: int,
) -> None:
    task_id = f"task {len(world.submitted) + 1}"
    wishes: dict[str, Any] = {"max_attempts": attempts, "on_unknown_outcome": policy.value}
    if timeout is not None:
        wishes["timeout_seconds"] = timeout
    if due_in is not None:
        wishes["deadline"] = world.clock.now() + timedelta(seconds=due_in)
    if _WAYS[way]:
        wishes["metadata"] = dict(_WAYS[way])
    said = ", ".join(f"{name} {value}" for name, value in wishes.items())
    world.tell(f"{task_id} is submitted: {said}")
    world.submit(task_id, **(wishes | {"on_unknown_outcome": policy}))


@step(weight=2, when=_may_ask_more, number=WHICH)
def publish_again(world: World, number: int) -> None:
    message = one_of(list(world.submitted.values()), number)[-1]
    world.tell(f"{message.correlation_id} is published again, the same submission")
    world.publish(message)


@step(weight=2, when=_may_ask_more, number=WHICH)
def submit_anew(world: World, number: int) -> None:
    task_id = one_of(list(world.submitted), number)
    world.tell(f"{task_id} is submitted anew")
    world.submit(task_id, max_attempts=3)


@step(weight=2, when=lambda world: world.submitted and world.shelf.is_reachable, number=WHICH)
def cancel(world: World, number: int) -> None:
    task_id = one_of(list(world.submitted), number)
    world.tell(f"the latest submission of {task_id} is cancelled")
    world.cancel(task_id)


@step(weight=6, when=lambda world: world.calls.waiting, number=WHICH)
def answer(world: World, number: int) -> None:
    call = one_of(world.calls.waiting, number)
    world.tell(f"an answer comes for {call}")
    world.act(world.calls.answer, call)


@step(weight=4, when=lambda world: world.calls.waiting, number=WHICH, kind=_CALLS_FAIL_AS)
def fail(world: World, number: int, kind: FailureKind) -> None:
    call = one_of(world.calls.waiting, number)
    world.tell(f"{call} fails: {kind}")
    world.act(world.calls.fail, call, kind)


@step(weight=1, when=lambda world: world.calls.waiting_for_providers, number=WHICH)
def break_off(world: World, number: int) -> None:
    call = one_of(world.calls.waiting_for_providers, number)
    world.tell(f"the connection of {call} breaks")
    world.act(world.calls.break_off, call)


@step(weight=6, seconds=(0.3, 1, 3, 10))
def time_passes(world: World, seconds: float) -> None:
    world.advance(seconds)


@step(
    weight=4,
    when=lambda world: world.journal.parked.total() > 0 and world.broker.is_reachable,
)
def redrive(world: World) -> None:
    world.tell("the operator redrives what is parked")
    world.redrive()


@step(weight=3, when=lambda world: any(not each.is_over for each in world.operators))
def kill_operators(world: World) -> None:
    world.tell("the operator's redrive is killed")
    for operator in world.operators:
        if not operator.is_over:
            world.act(operator.kill)


TASK_STEPS: Final = (
    time_passes,
    submit,
    publish_again,
    submit_anew,
    cancel,
    answer,
    fail,
    break_off,
    redrive,
    kill_operators,
)
