"""The task scripts, however they are started and wherever."""

from __future__ import annotations

import site
import sys
from pathlib import Path

import pytest

from tests.support.task_scripts import FOLDER, Ended, a_task, run_script
from tests.support.task_scripts import script_command as command

ROOMS = [FOLDER.parents[3] / room for room in ("shared", "producer", "worker", "ops")]
NAMES = ["claude", "gpt", "gemini", "custom"]


async def ask_scripted(
    tmp_path: Path, name: str, *options: str, as_module: bool = False, **settings: str
) -> Ended:
    """An answer without any provider, from a folder that has nothing to do with the project."""
    scripts = tmp_path / "scripts.json"
    scripts.write_text('{"default": {"answer": "By heart."}}')
    start = command(name, *options, as_module=as_module)
    task = a_task(execution_mode="api")
    return await run_script(start, task, settings | {"LLMBUS_SCRIPTED": str(scripts)}, tmp_path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("as_module", [False, True], ids=["file", "module"])
async def test_warning_names_guide_version_and_date(
    tmp_path: Path, name: str, as_module: bool
) -> None:
    ended = await ask_scripted(tmp_path, name, as_module=as_module)
    [line] = [line for line in ended.err.splitlines() if "DeprecationWarning" in line]
    assert (ended.code, ended.answer["output"]) == (0, "By heart.")
    for told in (f"execute_{name}.py", "docs/EXECUTOR-MIGRATION-GUIDE.md", "v2.0", "2027-05-22"):
        assert told in line


@pytest.mark.parametrize("options", [("-I",), ("-P",), ("-W", "error"), ("-I", "-W", "error")])
@pytest.mark.parametrize("as_module", [False, True], ids=["file", "module"])
async def test_options_of_python_change_nothing(
    tmp_path: Path, options: tuple[str, ...], as_module: bool
) -> None:
    ended = await ask_scripted(tmp_path, "gpt", *options, as_module=as_module)
    assert (ended.code, ended.answer["output"]) == (0, "By heart.")
    assert "DeprecationWarning: execute_gpt.py is deprecated" in ended.err


async def test_warning_can_be_silenced(tmp_path: Path) -> None:
    ended = await ask_scripted(tmp_path, "gpt", PYTHONWARNINGS="ignore")
    assert (ended.code, ended.err) == (0, "")


async def test_script_that_was_linked_to_another_folder_runs(tmp_path: Path) -> None:
    (tmp_path / "old_name.py").symlink_to(FOLDER / "execute_gpt.py")
    start = [sys.executable, "old_name.py"]
    ended = await run_script(start, a_task(), folder=tmp_path)
    assert ended.code == 2
    assert "OPENAI_API_KEY" in ended.answer["error"]


@pytest.mark.parametrize("name", NAMES)
async def test_python_without_llmbus_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    ended = await run_script(command(name, "-I", "-S"), a_task(), folder=tmp_path)
    [line] = ended.err.splitlines()
    assert (ended.code, ended.out) == (2, "")
    assert sys.executable in line
    assert "pip install llmbus" in line


@pytest.mark.parametrize(
    ("name", "sdk", "extra"),
    [
        ("claude", "anthropic", "llmbus[anthropic]"),
        ("gpt", "openai", "llmbus[openai]"),
        ("gemini", "google", "llmbus[gemini]"),
        ("custom", "openai", "llmbus[openai]"),
    ],
)
async def test_missing_sdk_is_named_with_its_extra(
    tmp_path: Path, name: str, sdk: str, extra: str
) -> None:
    path = ":".join(map(str, [*ROOMS, _packages_without(sdk, tmp_path)]))
    task = a_task(execution_mode="api")
    ended = await run_script(command(name, "-S"), task, {"PYTHONPATH": path}, tmp_path)
    assert (ended.code, ended.answer["status"]) == (2, "failed")
    assert ended.answer["failure"]["kind"] == "missing_dependencies"
    assert extra in ended.answer["error"]


def _packages_without(sdk: str, tmp_path: Path) -> Path:
    """This interpreter's packages, all but one."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in Path(site.getsitepackages()[0]).iterdir():
        if entry.name != sdk:
            (packages / entry.name).symlink_to(entry)
    return packages


async def test_library_that_prints_does_not_print_into_the_answer(tmp_path: Path) -> None:
    (tmp_path / "genai_prices.py").write_text(_LOUD_LIBRARY)
    settings = {"PYTHONPATH": str(tmp_path), "OPENAI_API_KEY": "any"}
    settings["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1"
    ended = await run_script(command("gpt"), a_task(), settings)
    assert ended.answer["failure"]["kind"] == "unavailable"
    for noise in ("a print", "a write to stdout", "a child process", "saved before"):
        assert noise in ended.err


_LOUD_LIBRARY = """
import os, sys
print("a print")
print("saved before", file=sys.__stdout__, flush=True)
os.write(1, b"a write to stdout\\n")
os.system("echo a child process")
class Usage:
    def __init__(self, **counts): pass
def calc_price(*_, **__):
    raise LookupError
"""


async def test_library_that_fails_with_the_key_in_its_words_is_a_failed_answer_without_it(
    tmp_path: Path,
) -> None:
    key = "hunter2.in.no.shape.that.anybody.knows"
    broken = 'import os; raise ValueError("not with " + os.environ["OPENAI_API_KEY"])'
    (tmp_path / "genai_prices.py").write_text(broken)
    settings = {"PYTHONPATH": str(tmp_path), "OPENAI_API_KEY": key}
    ended = await run_script(command("gpt"), a_task(), settings)
    answer = ended.answer
    assert (ended.code, answer["failure"]["kind"]) == (1, "internal")
    assert answer["error"] == answer["failure"]["message"] == "ValueError: not with <key>"
    assert "ValueError: not with <key>" in ended.err
    assert key not in ended.out + ended.err
