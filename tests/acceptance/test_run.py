"""`llmbus run`: from a file of tasks to a file of results."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from llmbus.shared import ExecutionResult, ExecutionStatus
from tests.acceptance.deployment import Deployment
from tests.support.programs import Program


def entry(task_id: str, **fields: Any) -> dict[str, Any]:
    required = {"title": f"Title of {task_id}", "description": "Say hello.", "agent": "gpt-4"}
    return {"task_id": task_id} | required | fields


def failing(task_id: str, **fields: Any) -> dict[str, Any]:
    failure = {"kind": "account", "message": "the quota is used up"}
    return entry(task_id, metadata={"script": {"failures": [failure]}}, **fields)


def task_file(deployment: Deployment, *entries: dict[str, Any]) -> Path:
    file = deployment.folder / "tasks.json"
    file.write_bytes(msgspec.json.encode({"tasks": entries}))
    return file


def results_in(file: Path) -> list[ExecutionResult]:
    return [
        msgspec.json.decode(line, type=ExecutionResult) for line in file.read_bytes().splitlines()
    ]


async def run(
    deployment: Deployment, file: Path, *options: str | Path, **settings: str
) -> tuple[int, Program]:
    results = deployment.folder / "results.jsonl"
    command = ("run", file, "--results", results, *options)
    program = await deployment.programs.llmbus(*command, **settings)
    return await program.exit_code(), program


def embedded(deployment: Deployment) -> tuple[str | Path, ...]:
    return ("--embedded", "--scripted", deployment.scripts())


async def test_embedded_run_exits_0_and_keeps_a_line_for_each_result(
    deployment: Deployment,
) -> None:
    file = task_file(deployment, *(entry(f"t{n}") for n in range(5)))
    code, program = await run(deployment, file, *embedded(deployment))
    results = results_in(deployment.folder / "results.jsonl")
    assert (code, program.err) == (0, "")
    assert {result.task_id for result in results} == {f"t{n}" for n in range(5)}
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}
    assert "5 of 5 tasks done, 0 failed" in program.out


async def test_results_go_beside_the_caller_unless_named(deployment: Deployment) -> None:
    file = task_file(deployment, entry("t1"))
    folder = deployment.folder / "elsewhere"
    folder.mkdir()
    command = ["run", file, *embedded(deployment)]
    program = await deployment.programs.start(command, folder=folder)
    assert await program.exit_code() == 0
    assert len(results_in(folder / "tasks-results.jsonl")) == 1
    assert "tasks-results.jsonl" in program.out


async def test_failed_task_exits_1_and_is_named_with_its_reason(deployment: Deployment) -> None:
    file = task_file(deployment, entry("good"), failing("bad"))
    code, program = await run(deployment, file, *embedded(deployment))
    assert code == 1
    assert "failed: bad (Title of bad): account: the quota is used up" in program.out
    code, _ = await run(deployment, file, *embedded(deployment), "--exit-zero", "--fresh")
    assert code == 0
    results = results_in(deployment.folder / "results.jsonl")
    assert sorted(result.task_id for result in results) == ["bad", "bad", "good", "good"]


async def test_text_with_brackets_is_shown_as_it_is(deployment: Deployment) -> None:
    """What a provider says is no markup, neither a style nor an error."""
    failure = {"kind": "rejected", "message": "the [/INST] tag is [red] :bug:"}
    bad = entry("bad", title="[/bold] title", metadata={"script": {"failures": [failure]}})
    code, program = await run(deployment, task_file(deployment, bad), *embedded(deployment))
    assert code == 1, repr(program)
    assert "rejected: the [/INST] tag is [red] :bug:" in program.out
    assert "([/bold] title)" in program.out


async def test_long_lines_are_not_cut_where_there_is_no_terminal(deployment: Deployment) -> None:
    failure = {"kind": "rejected", "message": "very " * 50 + "long"}
    bad = entry("bad", metadata={"script": {"failures": [failure]}})
    _, program = await run(deployment, task_file(deployment, bad), *embedded(deployment))
    summary = program.out.splitlines()[-2:]
    assert summary[0].endswith("very long")
    assert summary[1] == f"results: {deployment.folder / 'results.jsonl'}"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "tasks.json"),
        ("{", "not JSON"),
        ("[]", "no task"),
        (json.dumps([{"task_id": "t1"}]), "title is required"),
        (json.dumps([entry("t1"), entry("t1")]), "more than once"),
        (json.dumps([entry("t1", agent="nobody")]), "nobody"),
        (json.dumps([entry("t1", deadline="2020-01-01T00:00:00Z")]), "deadline"),
    ],
)
async def test_bad_file_exits_65_and_says_what_is_wrong(
    deployment: Deployment, content: str | None, named: str
) -> None:
    file = deployment.folder / "tasks.json"
    if content is not None:
        file.write_text(content)
    code, program = await run(deployment, file, *embedded(deployment))
    assert code == 65, repr(program)
    [line] = program.err.splitlines()
    assert line.startswith("llmbus: ")
    assert named in line
    assert program.out == ""


@pytest.mark.parametrize("place", ["no-such-folder/results.jsonl", "."])
async def test_results_file_that_cannot_be_written_is_told_in_one_line(
    deployment: Deployment, place: str
) -> None:
    file = task_file(deployment, entry("t1"))
    results = deployment.folder / place
    program = await deployment.ended("run", file, "--results", results, *embedded(deployment))
    [line] = program.err.splitlines()
    assert str(results) in line
    assert program.out == ""


async def test_run_on_rabbitmq_is_served_by_a_worker(deployment: Deployment) -> None:
    worker = await deployment.worker("w1", "--scripted", deployment.scripts())
    file = task_file(deployment, entry("t1"), failing("t2"), entry("t3"))
    code, program = await run(deployment, file)
    results = results_in(deployment.folder / "results.jsonl")
    assert code == 1
    assert {result.task_id for result in results} == {"t1", "t2", "t3"}
    assert {result.worker_id for result in results} == {"w1"}
    assert "2 of 3 tasks done, 1 failed" in program.out
    worker.send(signal.SIGTERM)
    assert await worker.exit_code() == 0


async def test_interrupted_run_loses_no_result(deployment: Deployment) -> None:
    """What ends while nobody runs comes with the next run of the same name."""
    results_file = deployment.folder / "results.jsonl"
    slow = deployment.folder / "slow.json"
    slow.write_bytes(msgspec.json.encode([entry("slow1"), entry("slow2")]))
    first = await deployment.programs.llmbus("run", slow, "--results", results_file, "--name", "r")
    scripts = deployment.scripts(default={"latency_seconds": 1.0}, after={})
    worker = await deployment.worker("w1", "--scripted", scripts)
    await worker.until_logged("task_started", 2)
    first.send(signal.SIGINT)
    assert await first.exit_code() == 130
    assert first.spoken == []
    await worker.until_logged("task_finished", 2)
    code, program = await run(deployment, task_file(deployment, entry("after")), "--name", "r")
    assert code == 0
    assert "of an earlier run" in program.out
    assert sorted(result.task_id for result in results_in(results_file)) == [
        "after",
        "slow1",
        "slow2",
    ]
