"""`TaskExecutor`: tasks are executed in the caller's own process, by the interface that existing
callers use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, assert_never

from llmbus.shared.agents import AgentConfig, AgentInterface
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.errors import InvalidInputError, InvalidTaskError, UnknownAgentError
from llmbus.shared.execution_mode import interface_for
from llmbus.shared.hybrid import HybridWish, run_hybrid
from llmbus.shared.interactive import interactive_result
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.result import ExecutionResult, FailureKind
from llmbus.shared.settings import read_settings
from llmbus.shared.task import AgentTask
from llmbus.worker.attempt import Attempts, refused_result, task_for
from llmbus.worker.direct_path import UNUSABLE, DirectPathSettings, wants_direct
from llmbus.worker.executor import Executor
from llmbus.worker.llm_abstractions import LlmFactory, Providers
from llmbus.worker.prompt import build_messages
from llmbus.worker.provider_access import ProviderAccess
from llmbus.worker.script_path import MakeRunner, own_scripts, run_script
from llmbus.worker.side_by_side import side_by_side
from llmbus.worker.time_limit import TimeLimit

__all__ = ["TaskExecutor"]


class TaskExecutor:
    """Executes tasks here and now: asks the agent's provider, or runs its script.

    A task is asked once: what failed in a way that is safe to try again says so in
    `result.failure`. Safe for any number of tasks at once, and on several event loops in turn.
    Its connections are closed by `async with`, by `aclose`, or when the loop ends.
    """

    def __init__(
        self,
        registry: AgentRegistry,
        scripts_dir: str | Path | None = None,
        default_agent: str = "claude-code",
        *,
        providers: Providers = LlmFactory,
        make_runner: MakeRunner | None = None,
        clock: Clock | None = None,
        settings: DirectPathSettings | None = None,
        timeout: timedelta = timedelta(hours=1),
    ) -> None:
        """`scripts_dir` holds the scripts, if not those of this release are to be run;
        `make_runner` makes what runs them in place of the default. `timeout` is for tasks that do
        not say. Without `settings`, `LLMBUS_USE_DIRECT_LLM` is read: `ConfigurationError` if it is
        wrong."""
        self._registry = registry
        self._default_agent = default_agent
        self._providers = providers
        self._clock = clock or SystemClock()
        self._settings = settings or read_settings(DirectPathSettings)
        self._executor = Executor(providers, self._clock)
        self._attempts = Attempts(self._clock, timeout)
        self._make_runner = make_runner or own_scripts(scripts_dir, self._clock)

    async def execute(
        self, task: AgentTask, agent: str | None = None, mode: str | None = None
    ) -> ExecutionResult:
        """The result of the task, by `agent`, else the agent that it names, else the default one.

        `mode` (`interactive`, `api` or `hybrid`) overrides the agent's interface. What is wrong
        with the call is a `ValueError`, before anything runs: an agent that is unknown or disabled,
        an unknown mode, a hybrid wish that makes no sense. What goes wrong afterwards is a result
        with status `failed`. Cancelling it ends the call, or the script with its children.
        """
        config = self._registry.require_enabled_agent(agent or task.agent or self._default_agent)
        interface = interface_for(task, config, mode)
        try:
            own = task_for(task, config)
        except InvalidTaskError as error:
            return refused_result(task, config.name, FailureKind.REJECTED, error, self._clock.now())
        if interface is AgentInterface.HYBRID:
            HybridWish.of(own, config).configs(self._registry)
        match interface:
            case AgentInterface.TASK_TOOL:
                return await self._execute_interactive(own, config)
            case AgentInterface.API:
                return await self._execute_api(own, config)
            case AgentInterface.CLI:
                return await self._execute_via_script(own, config)
            case AgentInterface.HYBRID:
                return await self._execute_hybrid(own, config)
            case _:
                assert_never(interface)

    async def execute_parallel(
        self, tasks: Iterable[tuple[AgentTask, str | None]], max_concurrent: int = 3
    ) -> list[ExecutionResult]:
        """The results in the order of `tasks`; the next one starts as soon as one has ended.

        `ValueError` if `max_concurrent` is less than 1. What `execute` would raise for one of them
        is a failed result in its place: others may have been paid for by then.
        """

        pairs = _checked_pairs(tasks)

        async def execute_one(pair: tuple[AgentTask, str | None]) -> ExecutionResult:
            task, agent = pair
            name = agent or task.agent or self._default_agent
            try:
                return await self.execute(task, name)
            except UnknownAgentError as error:
                return refused_result(
                    task, name, FailureKind.UNKNOWN_AGENT, error, self._clock.now()
                )
            except InvalidInputError as error:
                return refused_result(task, name, FailureKind.REJECTED, error, self._clock.now())

        return await side_by_side(pairs, execute_one, max_concurrent)

    async def _execute_interactive(self, task: AgentTask, agent: AgentConfig) -> ExecutionResult:
        async def name_the_command(_: TimeLimit) -> ExecutionResult:
            return interactive_result(task, self._clock.now())

        return await self._attempts.make(
            task, agent, name_the_command, execution_mode="interactive"
        )

    async def _execute_api(self, task: AgentTask, agent: AgentConfig) -> ExecutionResult:
        """The provider is asked; where it cannot be, or shall not be, the script is run."""
        if not wants_direct(task, self._settings):
            return await self._execute_via_script(task, agent)
        result = await self._execute_via_llm(task, agent)
        if result.failure is None or result.failure.kind not in UNUSABLE:
            return result
        return await self._execute_via_script(task, agent, UNUSABLE[result.failure.kind])

    async def _execute_via_llm(self, task: AgentTask, agent: AgentConfig) -> ExecutionResult:
        async def ask(limit: TimeLimit) -> ExecutionResult:
            async with asyncio.timeout(limit.duration.total_seconds()):
                return await self._executor.execute(
                    task, RequestedAgent.from_config(agent), 1, access=ProviderAccess.of(agent)
                )

        return await self._attempts.make(task, agent, ask, execution_mode="llm_direct")

    async def _execute_via_script(
        self, task: AgentTask, agent: AgentConfig, fallback_reason: str | None = None
    ) -> ExecutionResult:
        async def run(limit: TimeLimit) -> ExecutionResult:
            return await run_script(task, agent, fallback_reason, limit, self._make_runner)

        return await self._attempts.make(task, agent, run, execution_mode="subprocess")

    async def _execute_hybrid(self, task: AgentTask, agent: AgentConfig) -> ExecutionResult:
        """Each agent is asked as in mode `api`, but one of interface `cli` by its script."""
        wish = HybridWish.of(task, agent)
        agents = {config.name: config for config in wish.configs(self._registry)}

        async def ask(name: str) -> ExecutionResult:
            asked = agents[name]
            if asked.interface is AgentInterface.CLI:
                return await self._execute_via_script(task_for(task, asked), asked)
            return await self._execute_api(task_for(task, asked), asked)

        return await run_hybrid(task, wish, ask, self._clock)

    def _build_messages_from_task(self, task: AgentTask) -> list[dict[str, Any]]:
        """The prompt."""
        return build_messages(task)

    async def aclose(self) -> None:
        """Close the providers' connections on the running event loop. A later call opens new
        ones."""
        await self._providers.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _checked_pairs(tasks: Iterable[Any]) -> list[tuple[AgentTask, str | None]]:
    """A list of pairs, whatever it was; what is none of them is told before anything is paid."""
    pairs = list(tasks)
    for pair in pairs:
        match pair:
            case (AgentTask(), str() | None):
                continue
            case _:
                raise InvalidInputError(f"each entry must be (AgentTask, agent name), not {pair!r}")
    return pairs
