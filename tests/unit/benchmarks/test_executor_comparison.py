"""The comparison of the executor's paths measures something. How much is no business of a test."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.executor_bench import Crowd, Round
from benchmarks.executor_comparison import ComparisonPlan, measure
from benchmarks.executor_lines import crowd_lines, first_task_line, path_lines
from benchmarks.executor_process import Rounds
from benchmarks.executor_program import exit_code
from benchmarks.executor_tasks import PROVIDERS, ExecutionPath, Prompt
from benchmarks.results import Goal, Line

ROOT = Path(__file__).parents[3]
PROGRAMS = [
    "executor_performance",
    "openai_comparison",
    "gemini_comparison",
    "anthropic_comparison",
    "validate_all_providers",
]
TINY = ComparisonPlan(rounds=1, crowd=3, latency_seconds=0.01, crowd_latency_seconds=0.02)


def every_line_of(provider: str) -> list[str]:
    compared = [f"{provider}, {what}" for what in ("short prompt", "medium prompt", "long prompt")]
    return [
        *(
            name
            for each in [*compared, f"{provider}, 3 at once"]
            for name in (each, f"{each}: less latency", f"{each}: overhead gone")
        ),
        f"{provider}: 30 % less for answers of up to",
        f"{provider}, 3 at once: faster than in sequence by scripts",
        f"{provider}, 3 at once: faster than in sequence directly",
        f"{provider}, 3 at once / one",
        f"{provider}, 3 at once / one, bare SDK",
        f"{provider}, 3 at once: CPU per task",
        f"{provider}, cold: first task of a process",
    ]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_measurement_yields_a_line_even_where_the_shell_switches_the_direct_path_off(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMBUS_USE_DIRECT_LLM", "false")
    lines = measure([provider], TINY)
    assert sorted(line.name for line in lines) == sorted(every_line_of(provider))
    timed = [line for line in lines if line.unit == "ms" and line.by_hand is not None]
    assert all(line.llmbus > 0 and len(line.samples["subprocess"]) == 1 for line in timed)


@pytest.mark.timeout(240)
def test_program_run_as_a_file_anywhere_tells_each_goal_and_writes_its_section(
    tmp_path: Path,
) -> None:
    report = tmp_path / "reports" / "performance-validation.md"
    tiny = ["--rounds", "1", "--crowd", "2", "--latency", "0.01", "--crowd-latency", "0.02"]
    ended = subprocess.run(
        [sys.executable, program("openai_comparison"), *tiny, "--report", report],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    told = [line for line in ended.stdout.splitlines() if line.startswith(("met ", "missed "))]
    assert len(told) == 10
    assert "## openai_comparison\n" in report.read_text()


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_says_how_it_is_used_as_a_file_and_as_a_module(name: str, tmp_path: Path) -> None:
    said = [
        subprocess.run([sys.executable, *start, "--help"], cwd=folder, capture_output=True)
        for start, folder in (([program(name)], tmp_path), (["-m", f"benchmarks.{name}"], ROOT))
    ]
    assert said[0].stdout == said[1].stdout
    assert f"python -m benchmarks.{name}".encode() in said[0].stdout


def test_failure_to_run_is_told_and_is_not_a_missed_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy that is not there: every call fails, on both paths.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    ended = subprocess.run(
        [sys.executable, program("anthropic_comparison"), "--rounds", "1"],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert "something did not run" in ended.stderr


def test_overhead_is_what_the_provider_did_not_take() -> None:
    found = Rounds(
        paths={
            ExecutionPath.DIRECT: [Round(dict.fromkeys(Prompt, 1.01), 1.02)],
            ExecutionPath.SUBPROCESS: [Round(dict.fromkeys(Prompt, 2.0), 3.0)],
        },
        crowds=[],
    )
    figures = {line.name: line.llmbus for line in path_lines("openai", found, 1.0)}
    assert figures["openai, short prompt: less latency"] == pytest.approx(49.5)
    assert figures["openai, short prompt: overhead gone"] == pytest.approx(99.0)
    assert figures["openai, 3 at once: overhead gone"] == pytest.approx(99.0)
    assert figures["openai: 30 % less for answers of up to"] == pytest.approx(2.3)
    assert figures["openai, 3 at once: faster than in sequence by scripts"] == pytest.approx(
        6 / 1.02
    )
    assert figures["openai, 3 at once: faster than in sequence directly"] == pytest.approx(
        3.03 / 1.02
    )


def test_figures_are_medians_of_each_rounds_own_ratio() -> None:
    crowds = [
        Crowd(one=2.0, all=2.2, cpu=0.1, bare=2.1),
        Crowd(one=3.0, all=3.9, cpu=0.2, bare=3.0),
        Crowd(one=1.0, all=1.15, cpu=0.3, bare=1.05),
    ]
    beside_one, bare, cpu = crowd_lines("gemini", 100, crowds)
    assert beside_one.llmbus == pytest.approx(1.15)
    assert beside_one.meets_goal
    assert bare.llmbus == pytest.approx(1.05)
    assert cpu.llmbus == pytest.approx(2.0)
    cold = first_task_line("gemini", [(1.0, 2.0), (3.0, 4.0), (5.0, 5.0)])
    assert cold.ratio == pytest.approx(0.75)


@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 1)])
def test_missed_goal_is_an_error_only_if_it_shall_be(strict: bool, code: int) -> None:
    missed = Line("something", "%", 94.0, goal=Goal(95.0, at_least=True))
    assert exit_code([missed], strict=strict) == code


def test_met_goals_are_no_error() -> None:
    met = Line("something", "%", 95.0, goal=Goal(95.0, at_least=True))
    assert exit_code([met, Line("without a goal", "ms", 1.0)], strict=True) == 0


def program(name: str) -> str:
    return str(ROOT / "benchmarks" / f"{name}.py")
