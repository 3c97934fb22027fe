"""The subprocess path for an agent of this process: its script, with what the agent was given."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from llmbus.shared.agents import AgentConfig
from llmbus.shared.clock import Clock
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.result import ExecutionResult, FailureKind
from llmbus.shared.settings import read_settings
from llmbus.shared.task import AgentTask
from llmbus.worker.llm_abstractions.provider_specs import SPECS
from llmbus.worker.provider_access import ProviderAccess
from llmbus.worker.subprocess_path.environment import ADDRESS_VARIABLES
from llmbus.worker.subprocess_path.runner import ScriptEnd, ScriptRunner
from llmbus.worker.subprocess_path.settings import ScriptSettings
from llmbus.worker.time_limit import TimeLimit

__all__ = ["MakeRunner", "ScriptPath", "own_scripts", "run_script"]


class ScriptPath(Protocol):
    """What runs scripts: a `ScriptRunner`."""

    async def run(
        self,
        task: AgentTask,
        agent: RequestedAgent,
        *,
        reason: str | None = None,
        timeout: timedelta | None = None,
    ) -> ScriptEnd:
        """As `ScriptRunner.run`."""
        ...


MakeRunner = Callable[[Mapping[str, str]], ScriptPath]
"""Makes what runs scripts in this environment."""


def own_scripts(scripts_dir: str | Path | None, clock: Clock) -> MakeRunner:
    """Runs the scripts of that folder, else those that the settings name. The settings are read
    when the first script is run: without scripts, a wrong one does no harm."""
    folder = None if scripts_dir is None else Path(scripts_dir)

    def make(environment: Mapping[str, str]) -> ScriptPath:
        settings = read_settings(ScriptSettings, scripts_dir=folder)
        return ScriptRunner(settings, clock, environment)

    return make


async def run_script(
    task: AgentTask,
    agent: AgentConfig,
    reason: str | None,
    limit: TimeLimit,
    make_runner: MakeRunner,
) -> ExecutionResult:
    """What the script of this agent's type answered; `reason` says why its provider was not asked
    directly, where that was wished. Raises `TimeoutError` if the deadline cut it."""
    runner = make_runner({**os.environ, **_own_environment(agent)})
    requested = RequestedAgent.from_config(agent)
    end = await runner.run(task, requested, reason=reason, timeout=limit.duration)
    failure = end.result.failure
    if failure and failure.kind is FailureKind.TIMEOUT and limit.deadline:
        raise TimeoutError
    return end.result


def _own_environment(agent: AgentConfig) -> dict[str, str]:
    """The agent's own key and address, by the names under which its script looks for them."""
    spec = SPECS[agent.agent_type][0]
    (address_variable, *_) = ADDRESS_VARIABLES.get(agent.agent_type) or spec.endpoint_variables
    access = ProviderAccess.of(agent)
    own = {spec.key_variables[0]: access.api_key, address_variable: access.api_endpoint}
    return {name: value for name, value in own.items() if value is not None}
