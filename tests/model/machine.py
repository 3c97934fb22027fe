"""Every way in which tasks, workers and what they stand on can behave, as one state machine."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.model.ending import bring_to_an_end
from tests.model.fault_rules import FaultRules
from tests.model.invariants import broken_now
from tests.model.task_rules import TaskRules

__all__ = ["TaskBus"]


class TaskBus(TaskRules, FaultRules):
    """Claim, adoption, settlement and retry, between faults."""

    @initialize()
    def two_workers_serve(self) -> None:
        for _ in range(2):
            self.world.start_worker()
        self.world.advance(1)

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
