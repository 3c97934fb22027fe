"""What whoever relies on the fallback is promised, with scripts in real processes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from llmbus.shared import AgentType, ExecutionStatus, FailureKind, TaskPriority, Usage
from llmbus.shared.bus.interface import Bus
from llmbus.shared.codec import decode_result
from llmbus.shared.envelope import spent_of
from llmbus.shared.parking import stay_of
from llmbus.worker.events import TaskInterrupted, TaskSentToFallback
from llmbus.worker.llm_abstractions import BaseLlm, LlmReply, LlmRequest, ScriptedProviders
from llmbus.worker.llm_abstractions.errors import ProviderUnavailableError
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task
from tests.support.failures import failure_kind
from tests.support.script_folder import BROKEN, GOOD, ScriptFolder
from tests.support.waiting import Collected, eventually

KEY = "hunter2.in.no.shape.that.anybody.knows"
SCRIPT_ONLY = {"use_direct_llm": False}
HANGING = "time.sleep(600)\n"


@pytest.fixture
def folder(tmp_path: Path) -> ScriptFolder:
    folder = ScriptFolder(tmp_path)
    folder.write(GOOD)
    return folder


class _DearLlm(BaseLlm):
    provider = "dear"

    async def generate(self, request: LlmRequest) -> LlmReply:
        raise ProviderUnavailableError("busy", usage=Usage(100, 10, cost_usd=0.5))


class DearProviders(ScriptedProviders):
    """Every refusal costs something all the same."""

    def get_provider(self, agent_type: AgentType | str, model: str | None = None, **_: Any) -> Any:
        return _DearLlm(model or "dear")


async def until_begun(folder: ScriptFolder, count: int) -> None:
    async def so_many() -> bool:
        return len(folder.noted()) >= count

    await eventually(so_many, f"{count} scripts have begun")


async def test_result_is_that_of_the_same_task_and_tells_all_that_was_spent(
    scene: Scene, bus: Bus, folder: ScriptFolder
) -> None:
    asked = task(max_attempts=2, priority=TaskPriority.CRITICAL, tenant="blue")
    async with scene.producer() as producer:
        await producer.submit(asked)
    answers = Collected()
    await bus.consume(scene.layout.results_queue("orchestrator"), 1, answers)
    async with scene.worker(providers=DearProviders(), scripts=folder.settings(), worker_id="w1"):
        [answer] = await answers.wait_for(1)
    message = answer.message
    assert (message.correlation_id, message.priority) == ("t1", 9)
    assert message.headers["llmbus-tenant"] == "blue"
    result = decode_result(message.body, message.content_type)
    assert (result.status, result.attempts, result.worker_id) == ("success", 3, "w1")
    assert result.usage is not None
    assert (result.usage.input_tokens, result.usage.output_tokens) == (207, 22)
    assert result.metadata["execution_mode"] == "subprocess"
    assert result.metadata["fallback_reason"] == "attempts_used_up"
    assert result.metadata["exit_code"] == 0


async def test_second_failure_is_answered_and_parked_with_all_that_helps(
    scene: Scene, bus: Bus, folder: ScriptFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    folder.write('print("sent", os.environ["OPENAI_API_KEY"], file=sys.stderr)\n' + BROKEN)
    parked = Collected()
    await bus.consume(scene.layout.parking_queue, 1, parked)
    async with (
        scene.producer() as producer,
        scene.worker(providers=DearProviders(), scripts=folder.settings()),
    ):
        handle = await producer.submit(task(max_attempts=1))
        result = await handle.wait(PATIENCE_SECONDS)
        [delivery] = await parked.wait_for(1)
    stay = stay_of(delivery.message)
    assert result.status is ExecutionStatus.FAILED
    assert (result.metadata["exit_code"], result.attempts) == (1, 2)
    assert "cannot go on" in stay.reason
    assert (stay.failure, stay.attempts) == (result.failure, 2)
    assert stay.origin == scene.layout.fallback_queue
    assert stay.stderr.splitlines() == ["sent <key>", "the script is broken"]
    assert spent_of(delivery.message) == result.usage
    assert result.usage is not None
    assert result.usage.input_tokens == 107


BAD_SCRIPTS = {
    "garbage": "print('hello')\n",
    "several_answers": "print('{}'); print('{}')\n",
    "no_answer": "",
    "killed_by_signal": "os.kill(os.getpid(), signal.SIGSEGV)\n",
    "wrong_exit_code": GOOD + "sys.exit(1)\n",
    "output_limit": "print('x' * 10_000_000)\n",
    "time_limit": "subprocess.Popen(['sleep', '600'])\n" + HANGING,
}


async def test_each_bad_script_is_told_apart_and_the_next_task_is_served(
    scene: Scene, bus: Bus, folder: ScriptFolder
) -> None:
    parked = Collected()
    await bus.consume(scene.layout.parking_queue, 100, parked)
    found: list[str] = []
    settings = folder.settings(fallback_timeout_seconds=2.0)
    async with scene.producer() as producer, scene.worker(scripts=settings):
        for number, code in enumerate(BAD_SCRIPTS.values()):
            folder.write(code)
            handle = await producer.submit(task(f"bad-{number}", metadata=SCRIPT_ONLY))
            result = await handle.wait(PATIENCE_SECONDS)
            assert result.failure is not None
            found.append(result.metadata["script_problem"])
        (folder.folder / "execute_gpt.py").unlink()
        handle = await producer.submit(task("missing", metadata=SCRIPT_ONLY))
        found.append((await handle.wait(PATIENCE_SECONDS)).metadata["script_problem"])
        folder.write(GOOD)
        handle = await producer.submit(task("good", metadata=SCRIPT_ONLY))
        assert (await handle.wait(PATIENCE_SECONDS)).status is ExecutionStatus.SUCCESS
    assert found == [*BAD_SCRIPTS, "script_missing"]
    assert len(parked.deliveries) == len(found)


async def test_few_scripts_run_at_once(scene: Scene, folder: ScriptFolder) -> None:
    gate = folder.folder / "gate"
    waiting = f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
    folder.write(f"{waiting}note('ended')\n{GOOD}")
    settings = folder.settings(fallback_concurrency=2)
    async with scene.producer() as producer, scene.worker(scripts=settings, concurrency=5):
        handles = await producer.submit_many(
            task(f"t{number}", metadata=SCRIPT_ONLY) for number in range(5)
        )
        await until_begun(folder, 2)
        await scene.events.wait_for(TaskSentToFallback, 5)
        gate.touch()
        for handle in handles:
            await handle.wait(PATIENCE_SECONDS)
    steps = folder.words()
    running = [steps[:end].count("begun") - steps[:end].count("ended") for end in range(1, 11)]
    assert max(running) == 2


async def test_most_urgent_task_is_taken_first(scene: Scene, folder: ScriptFolder) -> None:
    async with scene.producer() as producer, scene.worker(concurrency=1):
        for priority in (TaskPriority.LOW, TaskPriority.MEDIUM, TaskPriority.CRITICAL):
            await producer.submit(task(priority, priority=priority, metadata=SCRIPT_ONLY))
        await scene.events.wait_for(TaskSentToFallback, 3)
        async with scene.fallback(folder.settings(fallback_concurrency=1)):
            await producer.expect("low").wait(PATIENCE_SECONDS)
    assert folder.noted() == ["critical", "medium", "low"]


async def test_script_beyond_the_grace_time_ends_and_its_task_goes_back_uncharged(
    scene: Scene, folder: ScriptFolder
) -> None:
    folder.write(HANGING)
    async with scene.store, scene.producer() as producer, scene.worker():
        handle = await producer.submit(task(metadata=SCRIPT_ONLY))
        async with scene.fallback(folder.settings(), grace_seconds=0, worker_id="first"):
            await until_begun(folder, 1)
        assert scene.events.of(TaskInterrupted)
        assert not any(map(psutil.pid_exists, folder.process_ids()))
        folder.write(GOOD)
        async with scene.fallback(folder.settings(), worker_id="second"):
            result = await handle.wait(PATIENCE_SECONDS)
    assert (result.status, result.attempts, result.worker_id) == ("success", 1, "second")


async def test_cancelling_ends_the_script_and_its_children(
    scene: Scene, bus: Bus, folder: ScriptFolder
) -> None:
    folder.write("subprocess.Popen(['sleep', '600'], start_new_session=True)\n" + HANGING)
    parked = Collected()
    await bus.consume(scene.layout.parking_queue, 1, parked)
    async with scene.store, scene.producer() as producer, scene.worker(scripts=folder.settings()):
        handle = await producer.submit(task(metadata=SCRIPT_ONLY))
        await until_begun(folder, 1)
        await scene.store.request_cancel("t1", "not wanted", timedelta(minutes=1))
        result = await handle.wait(PATIENCE_SECONDS)
        assert not psutil.Process().children(recursive=True)
    assert (result.status, result.error) == (ExecutionStatus.CANCELLED, "cancelled: not wanted")
    assert not parked.deliveries


async def test_deadline_holds_in_the_fallback_too(
    scene: Scene, bus: Bus, folder: ScriptFolder
) -> None:
    folder.write(HANGING)
    parked = Collected()
    await bus.consume(scene.layout.parking_queue, 1, parked)
    async with scene.producer() as producer, scene.worker(scripts=folder.settings()):
        soon = datetime.now(UTC) + timedelta(seconds=1)
        handle = await producer.submit(task(metadata=SCRIPT_ONLY, deadline=soon))
        result = await handle.wait(PATIENCE_SECONDS)
    assert failure_kind(result) is FailureKind.EXPIRED
    assert not parked.deliveries
    assert not any(map(psutil.pid_exists, folder.process_ids()))


async def test_task_that_expires_in_the_fallback_queue_is_not_run(
    scene: Scene, folder: ScriptFolder
) -> None:
    async with scene.producer() as producer, scene.worker():
        soon = datetime.now(UTC) + timedelta(milliseconds=300)
        handle = await producer.submit(task(metadata=SCRIPT_ONLY, deadline=soon))
        await scene.events.wait_for(TaskSentToFallback)
        await asyncio.sleep((soon - datetime.now(UTC)).total_seconds())  # the deadline is the event
        async with scene.fallback(folder.settings()):
            result = await handle.wait(PATIENCE_SECONDS)
    assert failure_kind(result) is FailureKind.EXPIRED
    assert result.attempts == 0
    assert result.metadata["execution_mode"] == "subprocess"
    assert result.metadata["fallback_reason"] == "use_direct_llm"
    assert not folder.noted()
