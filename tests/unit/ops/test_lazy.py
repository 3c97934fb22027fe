"""The command line knows its commands before it imports them."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("aio_pika", "redis", "httpx2", "pydantic", "openai", "llmbus.worker", "llmbus.producer")

ASK_FOR_HELP = """
import sys
sys.argv[1:] = ["--help"]
from llmbus.ops.cli import main
try:
    main()
except SystemExit as ended:
    assert ended.code == 0
print("imported:", *sorted(sys.modules), file=sys.stderr)
"""


def test_help_lists_the_commands_and_imports_none_of_them() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK_FOR_HELP], capture_output=True, text=True, check=True
    )
    for command in ("run", "worker", "workers", "status", "health"):
        assert f" {command} " in done.stdout
    imported = set(done.stderr.partition("imported:")[2].split())
    assert "llmbus.ops.cli" in imported
    assert not imported & set(HEAVY)
