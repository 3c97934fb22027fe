"""The migration guide and the rollback procedure name what exists, and quote what is said."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from llmbus.worker.llm_execution.deprecation_timeline import GUIDE as NAMED_GUIDE
from tests.support.migration_mistakes import MISTAKES

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = (ROOT / "docs/EXECUTOR-MIGRATION-GUIDE.md").read_text()
PAGES: Final = GUIDE + (ROOT / "docs/EXECUTOR-ROLLBACK-PROCEDURE.md").read_text()
LLMBUS: Final = Path(sys.executable).with_name("llmbus")


def table(heading: str) -> dict[str, str]:
    """The first table below that heading: second cells by first cells."""
    part = GUIDE.partition(f"# {heading}\n")[2].partition("\n#")[0]
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line[:2] == "| "]
    return {first.strip("` "): second.strip("` ") for first, second in lines[1:]}


IMPORTS: Final = sorted(set(table("1. Change the imports").values()))
MESSAGES: Final = list(table("Troubleshooting"))


@pytest.mark.parametrize("statement", IMPORTS)
def test_new_import_works(statement: str) -> None:
    module, _, names = statement.removeprefix("from ").partition(" import ")
    for name in names.split(", "):
        if not hasattr(importlib.import_module(module), name):
            importlib.import_module(f"{module}.{name}")  # raises if it is no module either


def test_the_warning_names_the_guide() -> None:
    assert (ROOT / NAMED_GUIDE).read_text() == GUIDE


def commands() -> set[str]:
    """Every `llmbus` command line that is shown, in a block or in a sentence."""
    return set(re.findall(r"(?:^|`)llmbus ([a-z][^`\n]*)", PAGES, re.MULTILINE))


def test_there_are_commands() -> None:
    assert len(commands()) >= 8


@pytest.mark.parametrize("command", sorted(commands()))
def test_command_exists_with_its_options(command: str) -> None:
    words = command.split()
    options = [word for word in words if word.startswith("--")]
    name = words[:2] if words[0] == "parking" else words[:1]
    done = subprocess.run(
        [LLMBUS, *name, "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
    )
    assert done.returncode == 0, done.stderr
    assert [option for option in options if option not in done.stdout] == []


def test_every_option_of_the_rollback_script_that_is_named_exists() -> None:
    script = "docs/EXECUTOR-ROLLBACK-PROCEDURE.sh"
    help_text = subprocess.check_output(["bash", ROOT / script, "--help"], text=True)
    shown = re.findall(rf"{script}([^`\n]*)", PAGES)
    options = {option for line in shown for option in re.findall(r"(--[a-z-]+)", line)}
    assert {"--dry-run", "--forward", "--restart", "--pid", "--status"} - options <= {"--forward"}
    assert [option for option in options if f"  {option} " not in help_text] == []


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, and no key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_as_many_messages_are_provoked_as_are_listed() -> None:
    assert len(MISTAKES) == len(MESSAGES)


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize(
    ("provoke", "listed"),
    list(zip(MISTAKES, MESSAGES, strict=False)),
    ids=[provoke.__name__ for provoke in MISTAKES],
)
async def test_message_is_quoted_as_it_is_said(
    provoke: Callable[[], Awaitable[None]], listed: str
) -> None:
    pattern = ".*".join(re.escape(part) for part in listed.split("\N{HORIZONTAL ELLIPSIS}"))
    with pytest.raises((Exception, DeprecationWarning)) as caught:
        await provoke()
    assert re.fullmatch(pattern, str(caught.value))
