"""Every Python example of the migration guide runs and prints what the guide says."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.deployment import Deployment, HeldOpenAi
from tests.support.programs import PATIENCE_SECONDS

GUIDE: Final = (Path(__file__).parents[2] / "docs/EXECUTOR-MIGRATION-GUIDE.md").read_text()
EXAMPLE: Final = re.compile(
    r"^```python\n(?P<code>.*?)^```$(?:\n+^```text\n(?P<printed>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
EXAMPLES: Final = [(found["code"], found["printed"]) for found in EXAMPLE.finditer(GUIDE)]
PROGRAMS: Final = [(code, printed) for code, printed in EXAMPLES if "def test_" not in code]
TESTS: Final = [code for code, _ in EXAMPLES if "def test_" in code]


async def run(
    deployment: Deployment, openai: HeldOpenAi, *arguments: str | Path
) -> tuple[str, str, int | None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=deployment.folder,
        env=deployment.programs.environment | openai.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    return out.decode(), err.decode(), process.returncode


def test_the_guide_has_examples() -> None:
    assert len(PROGRAMS) >= 4
    assert len(TESTS) >= 1
    assert GUIDE.count("```python") == len(EXAMPLES)


@pytest.mark.parametrize(("code", "printed"), PROGRAMS)
async def test_program_prints_what_the_guide_says(
    deployment: Deployment, openai: HeldOpenAi, code: str, printed: str
) -> None:
    await deployment.worker("w1", **openai.environment)
    out, err, exit_code = await run(deployment, openai, "-W", "error", "-c", code)
    assert (out, exit_code) == (printed, 0), err
    assert set(err.splitlines()) <= {"model_retirement"}  # a log line, while gpt-4o is about to go
    assert openai.received


@pytest.mark.parametrize("code", TESTS)
async def test_test_passes_without_network_and_keys(
    deployment: Deployment, openai: HeldOpenAi, code: str
) -> None:
    file = deployment.folder / "test_example.py"
    file.write_text(code)
    options = ("-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", deployment.folder)
    out, _, exit_code = await run(deployment, openai, "-m", "pytest", *options, file)
    assert (exit_code, openai.received) == (0, []), out
    assert "1 passed" in out
