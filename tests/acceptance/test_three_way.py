"""The three ways of a task, with real processes and real scripts: answered directly; by the
fallback; and by the fallback once what broke it is mended."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from llmbus.shared import ExecutionResult, ExecutionStatus, FailureKind
from llmbus.shared.codec import encode_result
from llmbus.worker.provider_simulator import Behaviour, Simulator
from tests.acceptance.deployment import KEY, Deployment, task
from tests.support.failures import failure_kind
from tests.support.programs import PATIENCE_SECONDS, Program
from tests.support.script_folder import GOOD, ScriptFolder
from tests.support.task_scripts import FOLDER
from tests.support.waiting import eventually


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        simulator.default = Behaviour(text="Paris.")
        yield simulator


def access(simulator: Simulator) -> dict[str, str]:
    return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": simulator.openai_url}


async def fallback(deployment: Deployment, name: str, **settings: str) -> Program:
    """One that is ready and takes tasks."""
    program = await deployment.programs.llmbus("fallback", LLMBUS_WORKER_ID=name, **settings)
    await program.until_logged("worker_started")
    return program


async def answer_to(deployment: Deployment, task_id: str) -> ExecutionResult:
    async with deployment.producer() as producer:
        handle = await producer.submit(task(task_id))
        return await handle.wait(PATIENCE_SECONDS)


def assert_key_is_nowhere(result: ExecutionResult, *programs: Program) -> None:
    texts = [encode_result(result).decode(), *(each.out + each.err for each in programs)]
    assert not [text for text in texts if KEY in text]


async def test_task_is_answered_directly(deployment: Deployment, simulator: Simulator) -> None:
    worker, other = await asyncio.gather(
        deployment.worker("direct", **access(simulator)),
        fallback(deployment, "fallback", **access(simulator)),
    )
    result = await answer_to(deployment, "t1")
    assert (result.status, result.output) == (ExecutionStatus.SUCCESS, "Paris.")
    assert (result.worker_id, result.attempts) == ("direct", 1)
    assert result.metadata["execution_mode"] == "llm_direct"
    assert "fallback_reason" not in result.metadata
    assert len(simulator.received) == 1
    assert_key_is_nowhere(result, worker, other)


async def test_task_that_the_worker_has_no_key_for_is_answered_by_the_fallback(
    deployment: Deployment, simulator: Simulator
) -> None:
    worker, other = await asyncio.gather(
        deployment.worker("direct"), fallback(deployment, "fallback", **access(simulator))
    )
    result = await answer_to(deployment, "t1")
    [handed] = await worker.until_logged("task_sent_to_fallback")
    assert handed["fallback_reason"] == "missing_api_key"
    assert (result.status, result.output) == (ExecutionStatus.SUCCESS, "Paris.")
    assert (result.worker_id, result.attempts) == ("fallback", 1)
    assert result.metadata["execution_mode"] == "subprocess"
    assert result.metadata["fallback_reason"] == "missing_api_key"
    assert result.metadata["exit_code"] == 0
    assert result.metadata["provider"] == "openai-gpt"
    assert result.usage is not None
    assert result.usage.output_tokens > 0
    assert len(simulator.received) == 1
    assert_key_is_nowhere(result, worker, other)


async def test_task_whose_script_was_broken_is_answered_after_its_repair(
    deployment: Deployment, simulator: Simulator, tmp_path: Path
) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    script = scripts / "execute_gpt.py"
    script.write_text("import sys\nsys.exit('half of the deployment is missing')\n")
    settings = {"LLMBUS_SCRIPTS_DIR": str(scripts), **access(simulator)}
    await asyncio.gather(deployment.worker("direct"), fallback(deployment, "fallback", **settings))
    async with deployment.producer() as producer:
        handle = await producer.submit(task("t1"))
        first = await handle.wait(PATIENCE_SECONDS)
        shown = await deployment.ended("parking", "show", "t1", "--json")
        shutil.copy(FOLDER / "execute_gpt.py", script)
        redriving = await deployment.ended("parking", "redrive", "--all")
        second = await producer.expect("t1").wait(PATIENCE_SECONDS)
    assert failure_kind(first) is FailureKind.SCRIPT
    assert first.metadata["script_problem"] == "no_answer"
    assert first.metadata["fallback_reason"] == "missing_api_key"
    assert "half of the deployment is missing" in shown.out
    assert await redriving.exit_code() == 0
    assert (second.status, second.output) == (ExecutionStatus.SUCCESS, "Paris.")
    assert second.metadata["fallback_reason"] == "missing_api_key"
    assert len(simulator.received) == 1
    assert json.loads((await deployment.ended("parking", "list", "--json")).out)["messages"] == []


@pytest.fixture
def hanging(tmp_path: Path) -> ScriptFolder:
    folder = ScriptFolder(tmp_path)
    folder.write("subprocess.Popen(['sleep', '600'], start_new_session=True)\ntime.sleep(600)\n")
    return folder


async def until_begun(folder: ScriptFolder) -> None:
    async def has_begun() -> bool:
        return bool(folder.noted())

    await eventually(has_begun, "the script has begun", seconds=PATIENCE_SECONDS)


async def until_gone(process_ids: list[int]) -> None:
    async def are_gone() -> bool:
        return not any(map(psutil.pid_exists, process_ids))

    await eventually(are_gone, f"{process_ids} are gone", seconds=PATIENCE_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda it: it.name)
async def test_fallback_that_ends_takes_its_scripts_along_and_loses_nothing(
    deployment: Deployment, hanging: ScriptFolder, number: signal.Signals
) -> None:
    settings = {
        "LLMBUS_SCRIPTS_DIR": str(hanging.folder),
        "LLMBUS_GRACE_SECONDS": "0",
        "LLMBUS_CLAIM_SECONDS": "1",
    }
    _, first = await asyncio.gather(
        deployment.worker("direct"), fallback(deployment, "first", **settings)
    )
    async with deployment.producer() as producer:
        handle = await producer.submit(task("t1"))
        await until_begun(hanging)
        begun = psutil.Process(first.pid).children(recursive=True)
        assert len(begun) >= 3  # the guard, the script, and what the script started
        first.send(number)
        assert await first.exit_code() == (0 if number == signal.SIGTERM else -number)
        await until_gone([process.pid for process in begun])
        hanging.write(GOOD)
        await fallback(deployment, "second", **settings)
        result = await handle.wait(PATIENCE_SECONDS)
    assert (result.status, result.output) == (ExecutionStatus.SUCCESS, "by the script")
    assert (result.worker_id, result.attempts) == ("second", 1)
