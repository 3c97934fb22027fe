"""The harness measures something, on real services. How much is no business of a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import measure
from benchmarks.plan import Plan
from benchmarks.report import print_table, write_json
from benchmarks.results import Goal, Line

TINY = Plan(
    rounds=2,
    round_seconds=60.0,
    rushes={4: 20},
    round_trips=5,
    memory_rounds=1,
    in_flight=30,
    imports=1,
)


async def test_every_measurement_yields_a_line(
    amqp_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = await measure(TINY)
    print_table(lines)
    write_json(tmp_path / "figures.json", lines)

    printed = capsys.readouterr().out
    document = json.loads((tmp_path / "figures.json").read_text())
    written = {line["name"]: line for line in document["lines"]}
    assert list(written) == [
        "cycles, concurrency 4",
        "worker CPU per task, concurrency 4",
        "cycles, concurrency 4, log on",
        "worker CPU per task, concurrency 4, log on",
        "orchestrator CPU per task, concurrency 4",
        "unloaded round trip, p50",
        "unloaded round trip, p99",
        "worker memory per task, 30 in flight",
        "orchestrator memory per task, 30 in flight",
        "import llmbus.producer",
        "SDKs and clients it loads",
    ]
    assert len(written["cycles, concurrency 4"]["samples"]["by_hand"]) == TINY.rounds
    assert all(name in printed for name in written)
    # Thirty tasks may fit into memory that a process has anyway.
    sizes = {name for name in written if "memory" in name}
    assert all(
        line["llmbus"] > 0 for name, line in written.items() if name not in sizes and line["unit"]
    )


@pytest.mark.parametrize(
    ("goal", "ours", "ratio", "met"),
    [
        (Goal(0.8, at_least=True, of_ratio=True), 1.0, 0.8, True),
        (Goal(0.8, at_least=True, of_ratio=True), 1.0, 0.79, False),
        (Goal(1.3, of_ratio=True), 2.0, 1.3, True),
        (Goal(30), 31.0, 0.5, False),
        (None, 1.0, 1.0, None),
    ],
)
def test_a_goal_is_about_the_ratio_or_about_our_figure(
    goal: Goal | None, ours: float, ratio: float, met: bool | None
) -> None:
    assert Line("something", "ms", ours, ours / ratio, ratio, goal).meets_goal is met
