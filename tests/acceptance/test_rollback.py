"""A running deployment is put back on the subprocess path, and forward again, by the script that
operators use; tasks are submitted all the while."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import count
from typing import Final

import pytest

from llmbus.producer import Producer
from llmbus.shared import ExecutionResult, ExecutionStatus
from tests.acceptance.deployment import Deployment, HeldOpenAi, results_of, task
from tests.acceptance.operator_at_work import (
    VARIABLE,
    Operator,
    fallback_of,
    operator_of,
    outcome,
    untouched,
)
from tests.support.programs import PATIENCE_SECONDS, Program

CLIENTS: Final = 2


@pytest.fixture
def operator(deployment: Deployment, openai: HeldOpenAi) -> Operator:
    return operator_of(deployment, openai)


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
