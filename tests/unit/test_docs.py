"""The documentation says what is there: its example runs, and its tables are complete."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Final, cast

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from llmbus.ops.cli.exit_codes import ExitCode
from llmbus.ops.management import ManagementSettings
from llmbus.shared.settings import BusSettings, StoreSettings
from llmbus.worker.events import Event
from llmbus.worker.llm_abstractions.profiles.rules import ModelSettings
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.subprocess_path import ScriptSettings
from tests.contracts.path.fallback_table import ROWS as FALLBACK_ROWS

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("shared", "producer", "worker", "ops")
PAGES: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SETTINGS: Final = (
    BusSettings,
    StoreSettings,
    WorkerSettings,
    ModelSettings,
    ScriptSettings,
    ManagementSettings,
    ScriptSettings,
)
EVENT_NAME: Final = re.compile(r"[a-z]+(_[a-z]+)+")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def read(page: str) -> str:
    return (ROOT / page).read_text()


def prose(page: Path) -> str:
    """The text without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def block(page: str, language: str) -> str:
    """The first code block in that language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", read(page), re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no {language} block"
    return found[1]


def rows(page: str) -> dict[str, list[str]]:
    """All table rows of a page, by their first cell without its quotes."""
    lines = (line for line in read(page).splitlines() if line.startswith("| "))
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {first.strip("`"): rest for first, *rest in cells}


def test_the_example_of_the_readme_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    environment = {name: os.environ[name] for name in os.environ if "LLMBUS" not in name}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block("README.md", "python")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == block("README.md", "text")


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    for target in targets:
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(linked), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    """As the code host makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_every_test_that_is_named_exists(page: Path) -> None:
    for file, _, test in re.findall(r"`(tests/[\w/]+(?:\.py)?)(::(\w+))?`", page.read_text()):
        assert (ROOT / file).exists(), file
        assert not test or f"def {test}(" in read(file), f"{file} has no {test}"


def test_every_fault_names_a_test() -> None:
    table = read("docs/architecture.md").partition("## Faults")[2]
    faults = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(faults) > 20
    assert [line for line in faults if not re.search(r"`tests/\S+\.py::test_\w+` \|$", line)] == []


def test_every_promise_names_a_test() -> None:
    promises = [line for line in read("docs/guarantees.md").splitlines() if line.count("|") == 5]
    rows_of_promises = [line for line in promises if not line.startswith(("| promise |", "|---"))]
    assert len(rows_of_promises) > 30
    without = [line for line in rows_of_promises if not line.endswith("` |") or "::" not in line]
    assert without == []


@every_page
def test_lines_of_prose_are_no_longer_than_those_of_code(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert [line for line in lines if len(line) > 100 and line[:1] not in {"|", "`"}] == []


def test_every_event_of_a_task_is_listed_with_its_fields() -> None:
    listed = rows("docs/events.md")
    common = set(Event.__struct_fields__)
    for event in Event.__subclasses__():
        further = [f"`{name}`" for name in event.__struct_fields__ if name not in common]
        class_name, _, names, _ = listed[event.name]
        assert class_name == f"`{event.__name__}`"
        assert names == ", ".join(further)


def test_every_event_name_in_the_code_is_listed() -> None:
    in_code = {name for room in ROOMS for path in (ROOT / room).rglob("*.py") for name in _in(path)}
    assert in_code >= {"worker_started", "results_unclaimed"}
    assert in_code - rows("docs/events.md").keys() == set()


def test_every_listed_event_is_in_the_code() -> None:
    in_code = {name for room in ROOMS for path in (ROOT / room).rglob("*.py") for name in _in(path)}
    in_code |= {event.name for event in Event.__subclasses__()}
    listed = {name for name in rows("docs/events.md") if EVENT_NAME.fullmatch(name)}
    assert listed - in_code == set()


def _in(path: Path) -> Iterator[str]:
    """The literal event names that a module logs: `_log.warning("fleet_unreachable", …)`."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="_log")),
                args=[ast.Constant(value=str(name)), *_],
            ) if EVENT_NAME.fullmatch(name):
                yield name
            case _:
                pass


def test_every_setting_is_listed_with_its_default() -> None:
    listed = rows("docs/operations.md")
    for settings in SETTINGS:
        for name, field in _fields(settings):
            shown, meaning = listed[f"LLMBUS_{name.upper()}"]
            assert meaning.endswith(".")
            if field.default_factory is None:
                assert shown == _shown(field.default), name


def test_every_listed_setting_is_one() -> None:
    known = {f"LLMBUS_{name.upper()}" for settings in SETTINGS for name, _ in _fields(settings)}
    assert {name for name in rows("docs/operations.md") if name.startswith("LLMBUS_")} == known


@every_page
def test_every_setting_that_is_named_is_one(page: Path) -> None:
    known = {f"LLMBUS_{name.upper()}" for settings in SETTINGS for name, _ in _fields(settings)}
    assert set(re.findall(r"LLMBUS_[A-Z_]+[A-Z]", page.read_text())) <= known


def _fields(settings: type[BaseSettings]) -> Iterator[tuple[str, FieldInfo]]:
    yield from settings.model_fields.items()


def _shown(default: object) -> str:
    match default:
        case None | ():
            return "none"
        case SecretStr():
            return f"`{default.get_secret_value()}`"
        case Enum():
            return f"`{default.value}`"
        case float():
            return f"`{default:g}`"
        case tuple():
            return f"`{','.join(f'{seconds:g}' for seconds in cast(tuple[float, ...], default))}`"
        case _:
            return f"`{default}`"


def test_the_table_of_the_fallback_has_the_rows_that_are_tested() -> None:
    section = read("docs/operations.md").partition("\n## The fallback\n")[2].partition("\n## ")[0]
    table = section.partition("|---|---|---|\n")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()]
    assert [tuple(row) for row in cells] == [row.cells for row in FALLBACK_ROWS]


def test_the_exit_codes_are_listed() -> None:
    numbers = {int(first) for first in rows("docs/operations.md") if first.isdecimal()}
    assert numbers == set(ExitCode)


def test_every_decision_is_in_the_index_and_in_the_same_form() -> None:
    folder = ROOT / "docs/decisions"
    parts = ["Context", "Decision", "Alternatives weighed", "Consequences", "Evidence"]
    records = [record for record in folder.glob("*.md") if record.name != "README.md"]
    for record in records:
        number = re.match(r"(ADR-\d{3}|\d{4})-", record.name)
        assert number, f"{record.name} has no number"
        assert f"[{number[1]}]({record.name})" in read("docs/decisions/README.md")
        assert re.findall(r"^## (.+)$", record.read_text(), re.MULTILINE) == parts
        assert record.read_text().startswith(f"# {number[1]}: ")


def test_every_decision_that_the_code_names_is_recorded() -> None:
    recorded = {record.name[:4] for record in (ROOT / "docs/decisions").glob("[0-9]*.md")}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            assert set(re.findall(r"docs/decisions/(\d{4})", path.read_text())) <= recorded


def test_the_changelog_knows_the_version() -> None:
    version = re.search(r'^version = "(.+)"$', read("pyproject.toml"), re.MULTILINE)
    assert version
    assert re.search(rf"^## \[({re.escape(version[1])})\]", read("CHANGELOG.md"), re.MULTILINE)
