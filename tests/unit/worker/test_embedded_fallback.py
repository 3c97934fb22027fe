"""A worker in the caller's own process serves the fallback, too: nobody else can there."""

from __future__ import annotations

from pathlib import Path

from llmbus.producer import Producer
from llmbus.shared import AgentTask, ExecutionStatus
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.worker import WorkerSettings
from llmbus.worker.embedded import embedded_worker
from llmbus.worker.llm_abstractions import ScriptedProviders
from tests.support.script_folder import GOOD, ScriptFolder


async def test_embedded_worker_runs_the_script_of_a_task_that_wants_no_direct_call(
    tmp_path: Path,
) -> None:
    folder = ScriptFolder(tmp_path)
    folder.write(GOOD)
    broker = MemoryBroker()
    worker = embedded_worker(
        WorkerSettings(), broker, ScriptedProviders(), scripts=folder.settings()
    )
    asked = AgentTask("t1", "Title", "Say hello.", "gpt-4", metadata={"use_direct_llm": False})
    async with worker, Producer(bus=MemoryBus(broker)) as producer:
        result = await (await producer.submit(asked)).wait(30)
    assert (result.status, result.output) == (ExecutionStatus.SUCCESS, "by the script")
    assert result.metadata["fallback_reason"] == "use_direct_llm"
