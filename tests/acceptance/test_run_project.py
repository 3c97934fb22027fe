"""`llmbus run` of a project with dependencies: in order, killed, gone on with, started anew."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.acceptance.deployment import Deployment, HeldOpenAi
from tests.acceptance.terminal import Terminal
from tests.acceptance.test_run import embedded, entry, failing, results_in, run, task_file

HOURS = 3_600


def step(task_id: str, *dependencies: str, **fields: Any) -> dict[str, Any]:
    return entry(task_id, description=f"<{task_id}>", dependencies=list(dependencies), **fields)


PROJECT = (
    step("ship", "test", "docs"),
    step("design"),
    step("build", "design"),
    step("docs", "design"),
    step("test", "build"),
)


def lines_about(out: str, state: str) -> list[str]:
    return [line.split()[3] for line in out.splitlines() if f" s  {state}" in line]


@pytest.mark.parametrize("on_the_bus", [False, True])
async def test_tasks_run_in_the_order_of_their_dependencies(
    deployment: Deployment, on_the_bus: bool
) -> None:
    if on_the_bus:
        await deployment.worker("w1", "--scripted", deployment.scripts())
    options = () if on_the_bus else embedded(deployment)
    code, program = await run(deployment, task_file(deployment, *PROJECT), *options)
    assert code == 0, repr(program)
    done = lines_about(program.out, "done")
    assert (done[0], done[-1], len(done)) == ("design", "ship", 5)
    assert done.index("build") < done.index("test")
    assert "5 of 5 tasks done, 0 failed" in program.out


async def test_killed_run_goes_on_and_pays_for_no_task_twice(
    deployment: Deployment, openai: HeldOpenAi
) -> None:
    """Killed with kill -9 while some tasks are done, some run, and one has yet to be submitted."""
    openai.gate.clear()
    openai.free_calls = 1
    await deployment.worker("w1", **openai.environment)
    file = task_file(deployment, *PROJECT)
    command = ("run", file, "--results", deployment.folder / "results.jsonl")
    first = await deployment.programs.llmbus(*command)
    await openai.until_called(3)
    first.send(signal.SIGKILL)
    assert await first.exit_code() == -signal.SIGKILL
    second = await deployment.programs.llmbus(*command)
    await second.until_printed("1 of 5 tasks were done before, 2 are under way")
    openai.gate.set()
    assert await second.exit_code() == 0, repr(second)
    assert "5 of 5 tasks done, 0 failed" in second.out
    assert openai.calls == dict.fromkeys(("design", "build", "docs", "test", "ship"), 1)
    results = results_in(deployment.folder / "results.jsonl")
    assert sorted(result.task_id for result in results) == sorted(openai.calls)


async def test_results_that_came_while_nobody_ran_count_for_the_next_run(
    deployment: Deployment, openai: HeldOpenAi
) -> None:
    openai.gate.clear()
    worker = await deployment.worker("w1", **openai.environment)
    file = task_file(deployment, *PROJECT)
    first = await deployment.programs.llmbus("run", file, "--results", deployment.folder / "r")
    await openai.until_called(1)
    first.send(signal.SIGKILL)
    await first.exit_code()
    openai.gate.set()
    await worker.until_logged("task_finished", task_id="design")
    worker.send(signal.SIGKILL)
    await worker.exit_code()
    await deployment.worker("w2", **openai.environment)
    second = await deployment.ended("run", file, "--results", deployment.folder / "r")
    assert "5 of 5 tasks done" in second.out, repr(second)
    assert set(openai.calls.values()) == {1}


async def test_failed_task_blocks_what_needs_it_until_it_is_retried(
    deployment: Deployment,
) -> None:
    needing = step("after", "bad")
    code, program = await run(
        deployment,
        task_file(deployment, failing("bad"), needing, step("other")),
        *embedded(deployment),
    )
    assert code == 1
    assert lines_about(program.out, "blocked") == ["after"]
    assert "1 of 3 tasks done, 1 failed, 1 blocked" in program.out
    assert "blocked: after (Title of after): needs bad" in program.out
    mended = task_file(deployment, entry("bad"), needing, step("other"))
    code, program = await run(deployment, mended, *embedded(deployment))
    assert code == 1
    assert "1 of 3 tasks were done before" in program.out
    assert "failed before, not run again without --retry-failed: bad" in program.out
    assert "failed: bad (Title of bad): failed before: the quota is used up" in program.out
    code, program = await run(deployment, mended, *embedded(deployment), "--retry-failed")
    assert code == 0, repr(program)
    assert lines_about(program.out, "done") == ["bad", "after"]
    assert "3 of 3 tasks done" in program.out


async def test_second_run_runs_nothing_again_and_fresh_runs_all(deployment: Deployment) -> None:
    file = task_file(deployment, entry("t1"), entry("t2"))
    state = deployment.folder / "results" / "kept.json"
    state.parent.mkdir()
    options = (*embedded(deployment), "--state", state)
    await run(deployment, file, *options)
    before = state.read_bytes()
    code, program = await run(deployment, file, *options)
    assert code == 0
    assert f"going on with {state}: 2 of 2 tasks were done before" in program.out
    assert len(results_in(deployment.folder / "results.jsonl")) == 2
    code, program = await run(deployment, file, *options, "--fresh")
    assert code == 0
    assert len(results_in(deployment.folder / "results.jsonl")) == 4
    assert state.with_name("kept.1.json").read_bytes() == before
    assert "kept.1.json" in program.out


async def test_changed_file_changes_what_is_not_done_yet(deployment: Deployment) -> None:
    await run(
        deployment,
        task_file(deployment, step("a"), failing("b"), step("gone", "b")),
        *embedded(deployment),
    )
    new = (step("a", title="Other"), step("b", "new"), step("new"))
    code, program = await run(
        deployment, task_file(deployment, *new), *embedded(deployment), "--retry-failed"
    )
    assert code == 0, repr(program)
    assert "changed in the file, but not run again: a" in program.out
    assert lines_about(program.out, "done") == ["new", "b"]


@pytest.mark.parametrize("on_the_bus", [False, True])
async def test_task_may_ask_several_agents(deployment: Deployment, on_the_bus: bool) -> None:
    if on_the_bus:
        lanes = ("--lanes", "openai-gpt,google-gemini", "--scripted", deployment.scripts())
        worker = await deployment.programs.llmbus("worker", *lanes)
        await worker.until_logged("worker_started")
    wish = {"strategy": "all", "agents": ["gpt-4", "gemini-pro"]}
    file = task_file(deployment, step("both", metadata={"hybrid": wish}), step("next", "both"))
    options = () if on_the_bus else embedded(deployment)
    code, program = await run(deployment, file, *options)
    assert code == 0, repr(program)
    [both, _] = results_in(deployment.folder / "results.jsonl")
    assert {each["agent"] for each in both.metadata["hybrid"]["answers"]} == {
        "gpt-4",
        "gemini-pro",
    }


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        ([step("a", "nowhere")], "'a' depends on 'nowhere'"),
        ([step("a", "b"), step("b", "a")], "circle"),
        ([step("a", metadata={"hybrid": {"agents": ["nobody"]}})], "'nobody' is not registered"),
    ],
)
async def test_wrong_dependencies_exit_65_and_are_named(
    deployment: Deployment, entries: list[dict[str, Any]], named: str
) -> None:
    code, program = await run(deployment, task_file(deployment, *entries), *embedded(deployment))
    assert code == 65
    [line] = program.err.splitlines()
    assert named in line
    assert program.out == ""


async def test_file_that_is_no_state_is_told_in_one_line_and_kept(deployment: Deployment) -> None:
    state = deployment.folder / "tasks-state.json"
    state.write_text("precious")
    code, program = await run(deployment, task_file(deployment, step("a")), *embedded(deployment))
    assert code == 65
    [line] = program.err.splitlines()
    assert str(state) in line
    assert "move it away" in line
    assert state.read_text() == "precious"


async def test_state_that_another_run_has_is_refused(deployment: Deployment) -> None:
    slow = entry("slow", metadata={"script": {"latency_seconds": HOURS}})
    file = task_file(deployment, step("quick"), slow)
    options = ("--results", deployment.folder / "results.jsonl", *embedded(deployment))
    first = await deployment.programs.llmbus("run", file, *options)
    await first.until_printed("quick")
    second = await deployment.ended("run", file, *options)
    assert await second.exit_code() == 78
    assert "in use by another process" in second.err
    first.send(signal.SIGINT)
    assert await first.exit_code() == 130


async def test_two_projects_run_side_by_side_without_taking_each_others_results(
    deployment: Deployment,
) -> None:
    await deployment.worker("w1", "--scripted", deployment.scripts())
    files: list[Path] = []
    for name in ("one", "two"):
        files.append(deployment.folder / f"{name}.json")
        files[-1].write_bytes(msgspec.json.encode([step(f"{name}-{n}") for n in range(20)]))
    programs = [
        await deployment.programs.llmbus("run", file, "--results", file.with_suffix(".jsonl"))
        for file in files
    ]
    for file, program in zip(files, programs, strict=True):
        assert await program.exit_code() == 0
        kept = {result.task_id for result in results_in(file.with_suffix(".jsonl"))}
        assert kept == {f"{file.stem}-{n}" for n in range(20)}


async def test_table_is_a_tree_of_what_waits_for_what(deployment: Deployment) -> None:
    slow = {"script": {"latency_seconds": 1.0}}
    file = task_file(
        deployment,
        step("design", metadata=slow),
        failing("build", dependencies=["design"]),
        step("ship", "build"),
    )
    async with Terminal() as terminal:
        program = await deployment.programs.start(
            ["run", file, "--results", deployment.folder / "r", *embedded(deployment)],
            {"TERM": "xterm-256color"},
            terminal=terminal.program_side,
        )
        await terminal.until_row("└ Title of build", "planned", "after design")
        await terminal.until_row("  └ Title of ship", "planned", "after build")
        await terminal.until_row("1 of 3 tasks done, 1 failed, 1 blocked")
        assert await program.exit_code() == 1
        assert terminal.is_as_before()
