"""`llmbus run` as a person sees it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import msgspec

from tests.acceptance.deployment import Deployment
from tests.acceptance.terminal import Terminal
from tests.support.programs import Program

HOURS = 3_600


def entry(task_id: str, priority: str, **script: Any) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "title": f"Title of {task_id}",
        "description": "Say hello.",
        "agent": "gpt-4",
        "priority": priority,
        "metadata": {"script": script},
    }


async def start(
    deployment: Deployment, terminal: Terminal, entries: list[dict[str, Any]], *options: str | Path
) -> Program:
    file = deployment.folder / "tasks.json"
    file.write_bytes(msgspec.json.encode(entries))
    results = deployment.folder / "results.jsonl"
    return await deployment.programs.start(
        ["run", file, "--results", results, *options],
        {"TERM": "xterm-256color"},
        terminal=terminal.program_side,
    )


async def test_table_shows_priorities_states_and_why_a_task_failed(
    deployment: Deployment,
) -> None:
    failure = {"kind": "account", "message": "quota used up"}
    retry = {"kind": "unavailable", "message": "overloaded"}
    entries = [
        entry("low", "low", latency_seconds=0.4),
        entry("bad", "high", latency_seconds=0.4, failures=[failure]),
        entry("again", "critical", latency_seconds=0.4, failures=[retry]),
    ]
    options = ("--embedded", "--concurrency", "1")
    scripted = ("--scripted", deployment.scripts())
    async with Terminal() as terminal:
        program = await start(deployment, terminal, entries, *options, *scripted)
        await terminal.until_row("Title of again", "gpt-4", "critical", "running", "1")
        await terminal.until_row("Title of again", "critical", "waiting", "unavailable: overloaded")
        await terminal.until_row("Title of low", "gpt-4", "low", "queued")
        await terminal.until_row("Title of bad", "high", "failed", "account: quota used up")
        await terminal.until_row("2 of 3 tasks done, 1 failed, 1 retried")
        assert await program.exit_code() == 1
        assert terminal.has_row("Title of again", "done", "on attempt 2")
        assert terminal.has_row("failed: bad (Title of bad): account: quota used up")
        assert terminal.is_as_before()


async def test_ctrl_c_leaves_the_terminal_as_it_was(deployment: Deployment) -> None:
    entries = [entry("slow", "medium", latency_seconds=HOURS)]
    options = ("--embedded", "--scripted", deployment.scripts())
    async with Terminal() as terminal:
        program = await start(deployment, terminal, entries, *options)
        await terminal.until_row("Title of slow", "running")
        program.send(signal.SIGINT)
        assert await program.exit_code() == 130
        assert terminal.is_as_before()
        assert "Traceback" not in terminal.text


async def test_table_follows_a_run_on_rabbitmq(deployment: Deployment) -> None:
    entries = [entry("slow", "medium", latency_seconds=1.0), entry("quick", "low")]
    scripts = deployment.scripts()
    await deployment.worker("w1", "--scripted", scripts)
    async with Terminal() as terminal:
        program = await start(deployment, terminal, entries)
        await terminal.until_row("Title of quick", "done")
        await terminal.until_row("2 of 2 tasks done")
        assert await program.exit_code() == 0
        assert terminal.is_as_before()
