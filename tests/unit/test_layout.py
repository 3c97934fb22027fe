"""The rooms are four portions of one namespace; one stray file would hide the others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import llmbus

ROOT = Path(__file__).parents[2]
ROOMS = ("shared", "producer", "worker", "ops")


def test_namespace_has_exactly_the_rooms() -> None:
    assert sorted(llmbus.__path__) == sorted(str(ROOT / room / "llmbus") for room in ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_room_is_a_typed_package_below_bare_folders(room: str) -> None:
    assert not (ROOT / room / "__init__.py").exists()
    assert not (ROOT / room / "llmbus" / "__init__.py").exists()
    assert [folder.name for folder in (ROOT / room / "llmbus").iterdir() if folder.is_dir()] == [
        room
    ]
    assert (ROOT / room / "llmbus" / room / "py.typed").exists()


def test_public_names_of_a_room_are_those_it_lists() -> None:
    listed = json.loads(
        subprocess.run(
            [sys.executable, "-c", _LIST_PUBLIC_NAMES], check=True, capture_output=True
        ).stdout
    )
    for room, (names, missing) in listed.items():
        assert names, f"llmbus.{room} lists nothing"
        assert not missing, f"llmbus.{room} lists names that it has not: {missing}"


_LIST_PUBLIC_NAMES = """
import importlib, json
found = {}
for room in ("shared", "producer", "worker"):
    module = importlib.import_module(f"llmbus.{room}")
    found[room] = (module.__all__, [n for n in module.__all__ if not hasattr(module, n)])
print(json.dumps(found))
"""


def test_product_files_hold_one_concept_each() -> None:
    longest = 250
    too_long = {
        str(path.relative_to(ROOT)): lines
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > longest
    }
    assert not too_long, "split these files"


def test_no_file_holds_an_address_of_a_package_registry() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    # spelled apart, or this file would be the first to hold one
    hosts = tuple(
        ".".join(parts) for parts in (("pypi", "org"), ("npmjs", "org"), ("debian", "org"))
    )
    holding = [
        name
        for name in tracked
        if name
        and (ROOT / name).is_file()
        and any(host in (ROOT / name).read_text(errors="ignore") for host in hosts)
    ]
    assert not holding


def test_lock_holds_a_hash_for_everything_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    pinned = [line for line in lock.splitlines() if line and line[0].isalpha()]
    assert len(pinned) > 50
    assert all("==" in line and line.endswith("\\") for line in pinned)
