"""The command line knows its commands before it imports them."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("aio_pika", "redis", "httpx2", "pydantic", "openai", "llmbus.worker", "llmbus.producer")

ASK_FOR_HELP = """
import sys
sys.argv.append("--help")
from llmbus.ops.cli import main
try:
    main()
except SystemExit as ended:
    assert ended.code == 0
print("imported:", *sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("group", "commands"),
    [
        ((), ("run", "worker", "workers", "status", "health", "parking")),
        (("parking",), ("list", "show", "redrive", "discard")),
    ],
)
def test_help_lists_the_commands_and_imports_none_of_them(
    group: tuple[str, ...], commands: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK_FOR_HELP, *group], capture_output=True, text=True, check=True
    )
    for command in commands:
        assert f" {command} " in done.stdout
    imported = set(done.stderr.partition("imported:")[2].split())
    assert "llmbus.ops.cli" in imported
    by_typer = {"pydantic"} if group else set[str]()  # to parse the options of a group
    assert not imported & set(HEAVY) - by_typer
