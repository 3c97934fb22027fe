"""A running deployment is put back on the subprocess path, and forward again, by the script that
operators use; tasks are submitted all the while."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from llmbus.producer import Producer
from llmbus.shared import ExecutionResult, ExecutionStatus
from tests.acceptance.deployment import Deployment, HeldOpenAi, results_of, task
from tests.support.programs import PATIENCE_SECONDS, Program

SCRIPT: Final = Path(__file__).parents[2] / "docs/EXECUTOR-ROLLBACK-PROCEDURE.sh"
VARIABLE: Final = "LLMBUS_USE_DIRECT_LLM"
CLIENTS: Final = 2


@dataclass(frozen=True)
class Operator:
    """Has an environment file, and a shell that knows nothing of the deployment but that."""

    deployment: Deployment
    file: Path

    @property
    def settings(self) -> dict[str, str]:
        """What a supervisor reads from the file."""
        lines = (line.partition("=") for line in self.file.read_text().splitlines())
        return {name: value for name, _, value in lines if name and not name.startswith("#")}

    async def begin(self, *arguments: str | int) -> asyncio.subprocess.Process:
        """Start the script."""
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return await asyncio.create_subprocess_exec(
            "bash",
            SCRIPT,
            *("--env-file", self.file, "--timeout", f"{PATIENCE_SECONDS:g}"),
            *map(str, arguments),
            env={"PATH": programs},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    async def run(self, *arguments: str | int) -> tuple[int | None, str, str]:
        """Exit code, stdout and stderr of the script."""
        return await outcome(await self.begin(*arguments))

    async def worker(self, name: str) -> Program:
        """A worker as a supervisor starts it."""
        return await self.deployment.worker(name, **self.settings)


async def outcome(script: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    try:
        out, err = await asyncio.wait_for(script.communicate(), 2 * PATIENCE_SECONDS)
    finally:
        if script.returncode is None:
            script.kill()
    return script.returncode, out.decode(), err.decode()


@pytest.fixture
def operator(deployment: Deployment, openai: HeldOpenAi, tmp_path: Path) -> Operator:
    file = tmp_path / "worker.env"
    environment = {
        name: value
        for name, value in deployment.programs.environment.items()
        if name.startswith("LLMBUS_")
    }
    lines = [f"{name}={value}" for name, value in (environment | openai.environment).items()]
    file.write_text("\n".join(["# One deployment", *lines, "LLMBUS_GRACE_SECONDS=30"]) + "\n")
    file.chmod(0o600)
    return Operator(deployment, file)


@asynccontextmanager
async def fallback_of(operator: Operator) -> AsyncIterator[Program]:
    fallback = await operator.deployment.programs.llmbus("fallback", **operator.settings)
    await fallback.until_logged("worker_started")
    yield fallback
    fallback.send(signal.SIGTERM)
    assert await fallback.exit_code() == 0


async def keep_submitting(
    producer: Producer, numbers: Iterable[int], stop: asyncio.Event
) -> list[ExecutionResult]:
    """One task after the other, each as soon as the last one is answered."""
    results: list[ExecutionResult] = []
    while not stop.is_set():
        number = next(iter(numbers))
        handle = await producer.submit(task(f"steady-{number}"))
        results.append(await handle.wait(PATIENCE_SECONDS))
    return results


async def answers(producer: Producer, *names: str) -> set[tuple[str, str | None]]:
    """In which mode, and for which reason, these tasks were answered."""
    handles = [await producer.submit(task(name)) for name in names]
    return modes(await results_of(handles))


def modes(results: Iterable[ExecutionResult]) -> set[tuple[str, str | None]]:
    return {(r.metadata["execution_mode"], r.metadata.get("fallback_reason")) for r in results}


DIRECT: Final = {("llm_direct", None)}
ROLLED_BACK: Final = {("subprocess", "use_direct_llm")}


async def replaced(
    operator: Operator, old: Program, new_name: str, openai: HeldOpenAi, *arguments: str | int
) -> Program:
    """Run the script while the old worker is in the middle of a paid call. As a supervisor would,
    start a new one when the old one has ended."""
    async with operator.deployment.producer(f"beside-{new_name}") as producer:
        openai.gate.clear()
        held = await producer.submit(task(f"held-{new_name}"))
        script = await operator.begin(*arguments)
        await old.until_logged("worker_draining")
        waiting = await producer.submit_many(task(f"{new_name}-{n}") for n in range(4))
        openai.gate.set()
        assert await old.exit_code() == 0
        new = await operator.worker(new_name)
        code, out, err = await outcome(script)
        assert (code, err) == (0, ""), out + err
        assert "in effect: 1 workers" in out
        results = await results_of([held, *waiting])
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}
    return new


async def test_rolling_back_and_forward_loses_no_task_and_pays_for_none_twice(
    operator: Operator, openai: HeldOpenAi
) -> None:
    worker = await operator.worker("direct-1")
    async with fallback_of(operator), operator.deployment.producer() as producer:
        stop, numbers = asyncio.Event(), count()
        steady = [
            asyncio.create_task(keep_submitting(producer, numbers, stop)) for _ in range(CLIENTS)
        ]
        assert await answers(producer, "before-1", "before-2") == DIRECT

        worker = await replaced(operator, worker, "script", openai, "--pid", worker.pid)
        assert operator.settings[VARIABLE] == "false"
        assert await answers(producer, "back-1", "back-2") == ROLLED_BACK

        restart = f"kill -TERM {worker.pid}"
        worker = await replaced(
            operator, worker, "direct-2", openai, "--forward", "--restart", restart
        )
        assert operator.settings[VARIABLE] == "true"
        assert await answers(producer, "forward-1", "forward-2") == DIRECT

        stop.set()
        results = [result for each in await asyncio.gather(*steady) for result in each]
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}
    assert modes(results) == DIRECT | ROLLED_BACK
    assert set(openai.calls.values()) == {1}
    assert {f"steady-{n}" for n in range(len(results))} <= openai.calls.keys()


def untouched(file: Path) -> tuple[object, ...]:
    """Differs if anybody has written the file, or beside it."""
    status = file.stat()
    beside = sorted(path.name for path in file.parent.iterdir())
    return file.read_bytes(), status.st_ino, status.st_mtime_ns, status.st_mode, beside


async def test_dry_run_says_everything_and_changes_nothing(operator: Operator) -> None:
    worker = await operator.worker("w1")
    async with fallback_of(operator):
        before = untouched(operator.file)
        code, out, err = await operator.run("--dry-run", "--pid", worker.pid, "--start", "exit 9")
        assert (code, err) == (0, "")
    assert untouched(operator.file) == before
    assert worker.logged("worker_draining") == []
    for action in (
        f"set {VARIABLE}=false in {operator.file}",
        f"drain process {worker.pid}",
        "run: exit 9",
        "wait up to",
    ):
        assert action in out
    worker.send(0)  # it lives


async def test_without_a_fallback_consumer_it_refuses_unless_forced(operator: Operator) -> None:
    await operator.worker("w1")
    before = operator.file.read_bytes()
    code, _, err = await operator.run("--restart", "exit 9")
    assert (code, operator.file.read_bytes()) == (3, before)
    assert "llmbus fallback" in err
    code, out, _ = await operator.run("--force", "--no-restart")
    assert (code, operator.settings[VARIABLE]) == (0, "false")
    assert "tasks will wait" in out


async def test_running_it_again_changes_and_restarts_nothing(operator: Operator) -> None:
    await operator.worker("w1")
    with operator.file.open("a") as file:
        file.write(f"{VARIABLE}=true\n")
    before = untouched(operator.file)
    code, out, err = await operator.run("--forward", "--restart", "exit 9")
    assert (code, err) == (0, "")
    assert "nothing to do" in out
    assert untouched(operator.file) == before


async def test_status_tells_how_things_stand(operator: Operator) -> None:
    await operator.worker("w1")
    async with fallback_of(operator):
        code, out, err = await operator.run("--status")
    assert (code, err) == (0, "")
    assert "not set, which means true" in out
    assert "1 ask directly, 0 do not, 0 do not say" in out
    assert "fallback queue: 1 consumers" in out


async def test_file_keeps_its_mode_and_everything_else_and_is_backed_up(
    operator: Operator, tmp_path: Path
) -> None:
    await operator.worker("w1")
    before = operator.file.read_text()
    lines = f"export {VARIABLE}=yes\nOTHER_{VARIABLE}=1\n# {VARIABLE}=1"
    operator.file.write_text(before + lines)
    code, out, err = await operator.run("--force", "--no-restart")
    assert (code, err) == (0, ""), out
    after = f"export {VARIABLE}=false\nOTHER_{VARIABLE}=1\n# {VARIABLE}=1\n"
    assert operator.file.read_text() == before + after
    assert operator.file.stat().st_mode & 0o777 == 0o600
    [backup] = list(tmp_path.glob("worker.env.*.bak"))  # noqa: ASYNC240  a quick look in a test
    assert backup.read_text() == before + lines
    assert backup.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--no-restart"),
        (("--sideways",), "unknown option --sideways"),
        (("--pid", "1", "--restart", "true"), "exclude each other"),
        (("--restart",), "--restart needs a value"),
        (("--no-restart", "--timeout", "soon"), "whole seconds"),
        (("--no-restart", "--env-file", "/nowhere/worker.env"), "no environment file"),
    ],
)
async def test_wrong_command_line_is_told_before_anything_happens(
    operator: Operator, arguments: tuple[str, ...], said: str
) -> None:
    before = operator.file.read_bytes()
    code, _, err = await operator.run(*arguments)
    assert (code, operator.file.read_bytes()) == (2, before)
    assert said in err


async def test_what_llmbus_says_is_shown_when_it_cannot_be_asked(
    operator: Operator, unused_tcp_port: int
) -> None:
    with operator.file.open("a") as file:
        file.write(f"LLMBUS_AMQP_URL=amqp://user:s3cret@127.0.0.1:{unused_tcp_port}/\n")
    code, out, err = await operator.run("--no-restart")
    assert code == 4
    assert "127.0.0.1" in err
    assert "s3cret" not in out + err
