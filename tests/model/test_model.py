"""Some short histories of the model, the same ones each time; `make model` makes more."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import TaskBus

_HISTORIES = 60
_STEPS = 40


def test_every_history_keeps_the_promises() -> None:
    run_state_machine_as_test(
        TaskBus, settings=settings(max_examples=_HISTORIES, stateful_step_count=_STEPS)
    )
