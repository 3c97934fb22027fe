"""Whether every provider answers, on both paths."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.executor_tasks import ExecutionPath
from benchmarks.provider_check import checked_providers
from llmbus.shared.agents import AgentType

PROGRAM = Path(__file__).parents[3] / "benchmarks" / "validate_all_providers.py"


@pytest.mark.timeout(240)
async def test_every_agent_type_is_answered_on_both_paths_without_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [*os.environ]:
        if name.endswith(("_API_KEY", "_BASE_URL", "_ENDPOINT")):
            monkeypatch.delenv(name)
    checks = [check async for check in checked_providers(real=False)]
    assert [(check.agent_type, check.path) for check in checks] == [
        (agent_type, path) for agent_type in AgentType for path in ExecutionPath
    ]
    assert [check.missing for check in checks if check.missing] == []
    assert not any(check.is_real for check in checks)


def test_service_that_cannot_be_reached_is_told_without_its_key() -> None:
    nobody = {
        "OPENAI_API_KEY": "sk-of-the-test-0123456789",
        "OPENAI_BASE_URL": "http://127.0.0.1:9",
    }
    ended = run_program("--real", "--only", "openai-gpt", environment=nobody)
    assert ended.returncode == 1
    assert ended.stdout.count("missing: no connection") == 2
    assert "0 of 2 calls were answered" in ended.stdout
    assert nobody["OPENAI_API_KEY"] not in ended.stdout + ended.stderr


def test_service_without_a_key_is_simulated_and_its_variable_named(tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    environment = {"GOOGLE_API_KEY": ""}
    arguments = ["--real", "--only", "google-gemini", "--report", str(report)]
    ended = run_program(*arguments, environment=environment)
    assert ended.returncode == 0, ended.stdout
    assert "google-gemini was simulated: for the real service set GOOGLE_API_KEY" in ended.stdout
    assert "| google-gemini | subprocess | simulator |" in report.read_text()


def run_program(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
