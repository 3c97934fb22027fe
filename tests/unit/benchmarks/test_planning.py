"""The planning benchmark, with tiny numbers."""

from __future__ import annotations

from benchmarks.planning import report


def test_report_says_how_large_the_project_was_and_what_each_part_took() -> None:
    lines = report(count=20, rounds=1)
    assert lines[0] == "20 tasks with 85 dependencies, median of 1 rounds"
    assert [line.split(" ms")[0].split()[-1].count(".") for line in lines[1:]] == [1, 1]
