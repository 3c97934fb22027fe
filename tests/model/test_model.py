"""Many short runs of the model, the same each time."""

from __future__ import annotations

from hypothesis import settings

from tests.model.machine import TaskBus

TestTaskBus = TaskBus.TestCase
TestTaskBus.settings = settings(max_examples=100, stateful_step_count=40)
