"""Every way in which tasks, workers and what they stand on can behave, as one state machine."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.model.history import BrokenPromise, History
from tests.model.steps import PAUSES, Happening

__all__ = ["TaskBus"]


class TaskBus(RuleBasedStateMachine):
    """Claim, adoption, settlement and retry, between faults."""

    def __init__(self) -> None:
        super().__init__()
        self.history = History()
        self._is_broken = False

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        possible = self.history.possible()
        often = [step for step in possible for _ in range(step.weight)]
        step = data.draw(st.sampled_from(often))
        arguments = {
            name: data.draw(st.sampled_from(choices)) for name, choices in step.choices.items()
        }
        pause = data.draw(st.sampled_from(PAUSES))
        try:
            self.history.follow(Happening(step, arguments, pause))
        except BrokenPromise:
            self._is_broken = True
            raise

    def teardown(self) -> None:
        try:
            if not self._is_broken:
                self.history.end()
        finally:
            self.history.close()
