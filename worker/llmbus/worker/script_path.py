"""The subprocess path for an agent of this process: its script, with what the agent was given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from llmbus.shared.agents import AgentConfig, AgentType
from llmbus.shared.clock import Clock
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.result import ExecutionResult, FailureKind
from llmbus.shared.settings import read_settings
from llmbus.shared.task import AgentTask
from llmbus.worker.llm_abstractions.provider_specs import SPECS
from llmbus.worker.provider_access import ProviderAccess
from llmbus.worker.time_limit import TimeLimit

__all__ = ["ScriptPath", "ScriptRuns"]


NOTHING: Final[Mapping[str, str]] = {}

_ADDRESS_VARIABLES: Final = {
    AgentType.ANTHROPIC_CLAUDE: "ANTHROPIC_BASE_URL",
    AgentType.OPENAI_GPT: "OPENAI_BASE_URL",
    AgentType.GOOGLE_GEMINI: "GOOGLE_GEMINI_BASE_URL",
}
"""Those of the vendors' SDKs; a server of one's own has one of ours."""


class ScriptEnd(Protocol):
    """How a script ended."""

    @property
    def result(self) -> ExecutionResult:
        """What it answered, or why it did not."""
        ...


class ScriptPath(Protocol):
    """What runs scripts: a `ScriptRunner`."""

    async def run(
        self,
        task: AgentTask,
        agent: RequestedAgent,
        *,
        reason: str | None = None,
        timeout: timedelta | None = None,
        environment: Mapping[str, str] = NOTHING,
    ) -> ScriptEnd:
        """Run the script of the agent's type on this task; `environment` is added to the script's
        own and shown to nobody."""
        ...


class ScriptRuns:
    """Runs scripts by `runner`, else by a runner of its own, made when it is first needed."""

    def __init__(
        self, runner: ScriptPath | None, scripts_dir: str | Path | None, clock: Clock
    ) -> None:
        self._runner = runner
        self._scripts_dir = scripts_dir
        self._clock = clock

    async def run(
        self, task: AgentTask, agent: AgentConfig, reason: str | None, limit: TimeLimit
    ) -> ExecutionResult:
        """What the script answered; `reason` says why the provider was not asked directly, where
        that was not wished. Raises `TimeoutError` if the deadline cut it."""
        runner = self._runner = self._runner or self._own_runner()
        ended = await runner.run(
            task,
            RequestedAgent.from_config(agent),
            reason=reason,
            timeout=limit.duration,
            environment=_own_environment(agent),
        )
        result = ended.result
        failure = result.failure
        if failure and failure.kind is FailureKind.TIMEOUT and limit.deadline:
            raise TimeoutError
        result.metadata = {**result.metadata, "execution_mode": "subprocess"}
        if reason is not None:
            result.metadata["fallback_reason"] = reason
        return result

    def _own_runner(self) -> ScriptPath:
        from llmbus.worker.subprocess_path.runner import ScriptRunner
        from llmbus.worker.subprocess_path.settings import ScriptSettings

        return ScriptRunner(
            read_settings(ScriptSettings, scripts_dir=self._scripts_dir), self._clock
        )


def _own_environment(agent: AgentConfig) -> dict[str, str]:
    """The agent's own key and address, by the names under which its script looks for them."""
    spec = SPECS[agent.agent_type][0]
    address_variable = _ADDRESS_VARIABLES.get(agent.agent_type) or spec.endpoint_variables[0]
    access = ProviderAccess.of(agent)
    own = {spec.key_variables[0]: access.api_key, address_variable: access.api_endpoint}
    return {name: value for name, value in own.items() if value is not None}
