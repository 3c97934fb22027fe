"""The consumers of one worker, with all that stands behind them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from llmbus.worker.admission import Admission
from llmbus.worker.claims import ClaimKeeper
from llmbus.worker.consumer import Consumer, Execute
from llmbus.worker.execution import Execution, ExecutionRules
from llmbus.worker.executor import Executor
from llmbus.worker.fallback import FallbackExecution
from llmbus.worker.intake import Source
from llmbus.worker.publishing import RunPublisher
from llmbus.worker.retry import RetryPolicy
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.settlement import Settlement
from llmbus.worker.subprocess_path import ScriptSettings
from llmbus.worker.surroundings import Surroundings

__all__ = ["Consumers"]


@dataclass(frozen=True)
class Consumers:
    """Makes consumers that share claims and publisher."""

    settings: WorkerSettings
    around: Surroundings
    claims: ClaimKeeper
    publisher: RunPublisher

    def of_lanes(self, slots: Mapping[str, int]) -> Consumer:
        """Asks the providers for the tasks of these lanes."""
        around, settings = self.around, self.settings
        rules = ExecutionRules(
            RetryPolicy(around.layout.ladder, settings.max_attempts, settings.retry_budgets),
            settings,
            settings.fallback_after_retries,
        )
        executor = Executor(around.providers, around.clock)
        admission = admission_within(settings.task_timeout_seconds, settings, around)
        execution = Execution(executor, admission, rules, around.clock)
        sources = [
            Source(around.layout.lane_queue(lane), number, lane) for lane, number in slots.items()
        ]
        return self._consumer(sources, execution.run)

    def of_fallback(self, scripts: ScriptSettings) -> Consumer:
        """Runs the scripts for the tasks of the fallback queue."""
        around = self.around
        script_path = around.make_script_path(scripts, around.clock, self._environment())
        admission = admission_within(scripts.fallback_timeout_seconds, self.settings, around)
        source = Source(around.layout.fallback_queue, scripts.fallback_concurrency)
        return self._consumer([source], FallbackExecution(script_path, admission).run)

    def _environment(self) -> Mapping[str, str]:
        """What the scripts may be given: where answers are scripted, theirs are, too."""
        scripted = self.settings.scripted
        told = {} if scripted is None else {"LLMBUS_SCRIPTED": str(scripted.resolve())}
        return {**os.environ, **told}

    def _consumer(self, sources: Sequence[Source], execute: Execute) -> Consumer:
        around = self.around
        settlement = Settlement(
            self.publisher, self.claims, around.layout, around.clock, around.observer
        )
        return Consumer(
            around.bus, sources, execute, settlement.settle, self.claims, around.observer
        )


def admission_within(
    timeout_seconds: float, settings: WorkerSettings, around: Surroundings
) -> Admission:
    """Admits tasks in the name of this worker, each for so long if it does not say."""
    timeout = timedelta(seconds=timeout_seconds)
    return Admission(around.registry, around.clock, settings.worker_id, timeout)
