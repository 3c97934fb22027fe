"""What a person reads: the live table at a fixed size, and the summary."""

from __future__ import annotations

import io

from rich.console import Console

from llmbus.ops.cli.board import Board
from llmbus.ops.cli.board_view import following, summary
from llmbus.shared import FailureKind, TaskPriority, Usage
from llmbus.worker.events import TaskStarted
from tests.unit.cli.sample import board, failed, success, task

LANE = "openai-gpt"


def drawn(one: Board, height: int = 40) -> list[str]:
    """The last picture that `following` shows, line by line."""
    console = Console(
        file=io.StringIO(), force_terminal=True, width=120, height=height, record=True
    )
    with following(one, console, "tasks.json"):
        pass
    pictures = console.export_text()
    last = pictures[pictures.rindex("tasks.json") :]
    return [line.rstrip() for line in last.splitlines()]


def said(one: Board) -> str:
    console = Console(file=io.StringIO(), width=200, record=True)
    console.print(summary(one, "results.jsonl"))
    return console.export_text()


def line_with(lines: list[str], *parts: str) -> int:
    return next(n for n, line in enumerate(lines) if all(part in line for part in parts))


def test_table_counts_by_priority_and_shows_each_task() -> None:
    one, clock = board(task("a", TaskPriority.CRITICAL), task("b", TaskPriority.LOW))
    one.on_event(TaskStarted("a", LANE, 1))
    clock.seconds += 3
    lines = drawn(one)
    assert "tasks.json   0/2 ended     3.0 s" in lines[0]
    assert lines[1].split() == ["priority", "queued", "running", "waiting", "done", "failed"]
    assert lines[line_with(lines, "critical")].split() == ["critical", "·", "1", "·", "·", "·"]
    assert lines[line_with(lines, "Title of a")].split()[3:] == [
        "gpt-4",
        "critical",
        "running",
        "1",
    ]
    line_with(lines, "Title of b", "gpt-4", "low", "queued")


def test_what_runs_comes_first_and_what_is_queued_last() -> None:
    one, clock = board(*(task(name) for name in ("queued", "done", "failed", "running")))
    one.on_result(failed("failed", FailureKind.ACCOUNT, "quota used up"))
    clock.seconds += 1
    one.on_result(success("done"))
    one.on_event(TaskStarted("running", LANE, 1))
    lines = drawn(one)
    order = ("running", "failed", "done", "queued")
    places = [line_with(lines, f"Title of {name}") for name in order]
    assert places == sorted(places)
    line_with(lines, "Title of failed", "account: quota used up")


def test_table_fits_a_low_terminal() -> None:
    one, _ = board(*(task(f"t{n}") for n in range(100)))
    one.on_event(TaskStarted("t99", LANE, 1))
    lines = drawn(one, height=24)
    assert len(lines) <= 24
    line_with(lines, "Title of t99", "running")


def test_text_with_brackets_is_shown_as_it_is() -> None:
    one, _ = board(task("[red]x[/red]"))
    one.on_result(failed("[red]x[/red]", FailureKind.REJECTED, "no [/bold] tag"))
    lines = drawn(one)
    line_with(lines, "Title of [red]x[/red]", "no [/bold] tag")


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    one, _ = board(task("a"))
    with following(one, Console(file=out), "tasks.json"):
        pass
    assert out.getvalue() == ""


def test_summary_tells_counts_tokens_cost_failures_and_the_file() -> None:
    one, clock = board(task("a"), task("b"))
    one.on_result(success("a", usage=Usage(1_200, 34, cost_usd=0.5)))
    one.on_result(failed("b", FailureKind.ACCOUNT, "quota used up"))
    clock.seconds += 4
    text = said(one)
    assert "1 of 2 tasks done, 1 failed, 0 retried, in 4.0 s" in text
    assert "1,200 tokens in, 34 out, 0.5000 USD" in text
    assert "failed: b (Title of b): account: quota used up" in text
    assert "results: results.jsonl" in text


def test_cost_is_unknown_if_one_result_does_not_tell() -> None:
    one, _ = board(task("a"), task("b"))
    one.on_result(success("a", usage=Usage(1, 1, cost_usd=0.5)))
    one.on_result(success("b", usage=Usage(1, 1)))
    assert "2 tokens in, 2 out, cost unknown" in said(one)
