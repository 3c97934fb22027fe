"""Some short histories of the model, the same ones each time; `make model` makes more."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import TaskBus
from tests.model.walk import walked

_HISTORIES = 30
_STEPS = 40


def test_every_history_keeps_the_promises() -> None:
    for seed in range(_HISTORIES):
        _, broken = walked(seed, _STEPS)
        assert broken is None, f"make model SEED={seed} tells more: {broken}"


def test_no_history_that_is_searched_for_breaks_a_promise() -> None:
    wanted = settings(
        max_examples=_HISTORIES,
        stateful_step_count=_STEPS,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(TaskBus, settings=wanted)
