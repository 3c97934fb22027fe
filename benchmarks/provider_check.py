"""Every agent type is asked once on each path of `TaskExecutor`: does it answer, and if not, what
is missing."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Final

import msgspec

from benchmarks.executor_tasks import AGENT, ExecutionPath, Prompt, task
from llmbus.shared.agents import AgentInterface, AgentType
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.result import ExecutionResult, ExecutionStatus
from llmbus.worker.direct_path import DirectPathSettings
from llmbus.worker.llm_abstractions.provider_specs import SPECS, setting
from llmbus.worker.provider_simulator import Simulator
from llmbus.worker.task_executor import TaskExecutor

__all__ = ["Check", "checked_providers", "configured_by"]

_MAX_TOKENS: Final = 1_000
"""Enough for a model that thinks before it says a sentence."""
_TIMEOUT: Final = timedelta(minutes=2)
_OWN_SERVER_MODEL: Final = "simulated-model"
"""Servers of one's own have no model that goes without saying."""


class Check(msgspec.Struct, frozen=True):
    """One call."""

    agent_type: AgentType
    path: ExecutionPath
    is_real: bool
    """Not by the simulator."""
    seconds: float
    missing: str
    """What to mend; empty if the call was answered."""


async def checked_providers(
    agent_types: Iterable[AgentType] = AgentType, *, real: bool
) -> AsyncGenerator[Check]:
    """Each as soon as it is known. With `real`, services whose key (or, for a server of one's own,
    whose address) the environment names are asked themselves, which costs; all others are
    simulated."""
    async with Simulator() as simulator:
        for agent_type in agent_types:
            is_real = real and bool(setting(configured_by(agent_type)))
            access = {} if is_real else _simulated(agent_type, simulator)
            async with aclosing(_calls(agent_type, is_real, access)) as calls:
                async for check in calls:
                    yield check


def configured_by(agent_type: AgentType) -> tuple[str, ...]:
    """The variables one of which must be set for the real service to be asked."""
    spec = SPECS[agent_type][0]
    return spec.endpoint_variables or spec.key_variables


async def _calls(
    agent_type: AgentType, is_real: bool, access: dict[str, Any]
) -> AsyncGenerator[Check]:
    registry = AgentRegistry()
    registry.register_agent(AGENT, agent_type, AgentInterface.API, max_tokens=_MAX_TOKENS, **access)
    both_paths = DirectPathSettings(use_direct_llm=True)
    async with TaskExecutor(registry, settings=both_paths, timeout=_TIMEOUT) as executor:
        for number, path in enumerate(ExecutionPath):
            began = time.perf_counter()
            result = await executor.execute(task(number, path, Prompt.SHORT, None))
            seconds = time.perf_counter() - began
            yield Check(agent_type, path, is_real, seconds, _missing(result, path))


def _missing(result: ExecutionResult, path: ExecutionPath) -> str:
    reason = result.metadata.get("fallback_reason")
    if result.status is not ExecutionStatus.SUCCESS:
        return ": ".join(filter(None, (reason, result.error)))
    if result.metadata.get("execution_mode") != path:
        return f"{reason}: only the script could answer"
    return "" if result.output.strip() else "the answer is empty"


def _simulated(agent_type: AgentType, simulator: Simulator) -> dict[str, Any]:
    addresses = {
        AgentType.ANTHROPIC_CLAUDE: simulator.anthropic_url,
        AgentType.GOOGLE_GEMINI: simulator.gemini_url,
    }
    access = {"api_key": "any", "api_endpoint": addresses.get(agent_type, simulator.openai_url)}
    if SPECS[agent_type][0].endpoint_variables:
        access["model"] = _OWN_SERVER_MODEL
    return access
