"""What callers who move to the new executor do wrong, each mistake as a coroutine that ends in its
message."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import importlib
import sys
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr

from llmbus.producer import Producer, ProjectOrchestrator
from llmbus.shared import AgentRegistry, AgentTask, AgentType
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.clock import SystemClock
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.settings import BusSettings
from llmbus.worker import TaskExecutor
from llmbus.worker.llm_abstractions import LlmFactory, ScriptedProviders
from llmbus.worker.llm_execution.deprecation_timeline import TIMELINE
from llmbus.worker.subprocess_path import ScriptRunner, ScriptSettings

__all__ = ["MISTAKES"]


def task(task_id: str = "t-1", agent: str = "gpt-4", **fields: Any) -> AgentTask:
    return AgentTask(task_id, "A title", "A description", agent=agent, **fields)


async def old_import() -> None:
    importlib.import_module("orchestration")


async def not_awaited() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        forgotten = executor().execute(task())
        del forgotten
        gc.collect()
    [warning] = caught
    raise RuntimeError(str(warning.message))


async def no_result_yet() -> None:
    answer: Any = executor().execute(task())
    try:
        print(answer.status)
    finally:
        answer.close()


async def nested_run() -> None:
    answer = executor().execute(task())
    try:
        asyncio.run(answer)  # noqa: TID251  what the caller does wrong
    finally:
        answer.close()


async def naive_time() -> None:
    result = await executor().execute(task())
    print(result.started_at < datetime.now())  # what the caller does wrong


async def as_dataclass() -> None:
    not_one: Any = task()
    dataclasses.asdict(not_one)


async def empty_field() -> None:
    AgentTask("t-1", "A title", "", agent="gpt-4")


async def unknown_agent() -> None:
    await executor().execute(task(), "gpt4")


async def disabled_agent() -> None:
    registry = AgentRegistry()
    registry.disable_agent("gpt-4")
    await TaskExecutor(registry, providers=ScriptedProviders()).execute(task())


async def unknown_mode() -> None:
    await executor().execute(task(), mode="direct")


async def no_key() -> None:
    LlmFactory.get_provider("openai-gpt")


def nothing_is_there(_module: str) -> None:
    return None


async def no_sdk() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("llmbus.worker.llm_abstractions.provider_specs.find_spec", nothing_is_there)
        patch.setattr(LlmFactory, "_loaded", {})
        for module in ("openai", "aiohttp"):
            patch.delitem(sys.modules, module, raising=False)
        LlmFactory.get_provider("openai-gpt")


async def no_interpreter() -> None:
    settings = ScriptSettings(fallback_python=Path("/opt/old/bin/python"))
    await by_script(ScriptRunner(settings, SystemClock()))


async def no_script() -> None:
    settings = ScriptSettings(scripts_dir=Path("/opt/old/scripts"))
    await by_script(ScriptRunner(settings, SystemClock()))


async def wrong_switch() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLMBUS_USE_DIRECT_LLM", "maybe")
        TaskExecutor(AgentRegistry())


async def no_room() -> None:
    await executor().execute_parallel([(task(), None)], max_concurrent=0)


async def unknown_dependency() -> None:
    ProjectOrchestrator(executor()).add_task(task("build", dependencies=["design"]))


async def circle() -> None:
    tasks = [task("build", dependencies=["design"]), task("design", dependencies=["build"])]
    ProjectOrchestrator(executor()).add_tasks(tasks)


async def not_ready() -> None:
    project = ProjectOrchestrator(executor())
    project.add_tasks([task("design"), task("build", dependencies=["design"])])
    await project.execute_task("build")


async def state_in_use() -> None:
    file = Path("state.json")
    with ProjectOrchestrator(executor(), state_file=file):
        ProjectOrchestrator(executor(), state_file=file)


async def not_open() -> None:
    await Producer("release-train", bus=MemoryBus(MemoryBroker())).submit(task())


async def no_broker() -> None:
    settings = BusSettings(
        amqp_url=SecretStr("amqp://guest:guest@127.0.0.1:1/"), connect_timeout_seconds=0.1
    )
    async with Producer("release-train", settings=settings):
        pass


async def no_lane() -> None:
    async with Producer("release-train", bus=MemoryBus(MemoryBroker())) as producer:
        await producer.submit(task(), lane="night-shift")


async def deprecated() -> None:
    raise DeprecationWarning(TIMELINE.warning("execute_gpt.py", TIMELINE.released))


MISTAKES: Final = [
    old_import,
    not_awaited,
    no_result_yet,
    nested_run,
    naive_time,
    as_dataclass,
    empty_field,
    unknown_agent,
    disabled_agent,
    unknown_mode,
    no_key,
    no_sdk,
    no_interpreter,
    no_script,
    wrong_switch,
    no_room,
    unknown_dependency,
    circle,
    not_ready,
    state_in_use,
    not_open,
    no_broker,
    no_lane,
    deprecated,
]


def executor() -> TaskExecutor:
    return TaskExecutor(AgentRegistry(), providers=ScriptedProviders())


async def by_script(runner: ScriptRunner) -> None:
    end = await runner.run(task(), RequestedAgent(AgentType.OPENAI_GPT))
    raise RuntimeError(end.result.error)
