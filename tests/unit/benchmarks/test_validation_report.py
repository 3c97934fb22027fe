"""What the programs that compare write and say."""

from pathlib import Path

from benchmarks.results import Goal, Line
from benchmarks.validation_report import goals_told, lines_as_markdown, write_section

SAVED = Line(
    "latency", "%", 93.21, goal=Goal(95, at_least=True), samples={"direct": [92.0, 93.21, 99.0]}
)
TIMED = Line("one task", "ms", 10.0, 40.0, 0.25)


def test_each_program_has_one_section_the_newest(tmp_path: Path) -> None:
    report = tmp_path / "new" / "report.md"
    write_section(report, "openai_comparison", "first")
    write_section(report, "gemini_comparison", "of gemini")
    write_section(report, "openai_comparison", "second")
    text = report.read_text()
    assert text.startswith("# Performance validation\n\n## gemini_comparison\n")
    assert text.count("## openai_comparison\n") == 1
    assert "of gemini" in text
    assert "second" in text
    assert "first" not in text


def test_goal_is_told_with_its_figure_and_the_spread_of_the_rounds() -> None:
    assert [*goals_told([TIMED, SAVED])] == ["missed  latency: 93.2 %, goal ≥ 95 (rounds 92 to 99)"]


def test_table_has_both_sides_and_the_verdict() -> None:
    table = lines_as_markdown([TIMED, SAVED], "the other path", ("direct", "subprocess"))
    assert "beside the other path" in table
    assert "| measured | unit | direct | subprocess | ratio | goal |  |" in table
    assert "| one task | ms | 10 | 40 | 0.25 |  |  |" in table
    assert "| latency | % | 93.2 |  |  | ≥ 95 | missed |" in table
