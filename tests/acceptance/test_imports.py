"""What an orchestrator pays for importing us, and what asking for help costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ["openai", "anthropic", "google.genai", "aiohttp", "aio_pika", "aiormq", "pydantic"]


def heavy_modules_after(code: str) -> list[str]:
    """Of the heavy modules, those that are loaded in a fresh process that has run this code."""
    script = (
        "import json, sys\n"
        "try:\n"
        f"    {code}\n"
        "except SystemExit as ended:\n"
        "    assert not ended.code, ended.code\n"
        f"print()\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    loaded: list[str] = json.loads(finished.stdout.splitlines()[-1])
    return loaded


@pytest.mark.parametrize(
    "code",
    [
        "import llmbus.producer",
        "sys.argv[1:] = ['--help']; from llmbus.ops.cli import main; main()",
    ],
)
def test_import_loads_no_sdk_no_amqp_client_and_no_pydantic(code: str) -> None:
    assert heavy_modules_after(code) == []
