"""A program of another root sees that root, what it shares with us, and leaves no mount."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.installation import ROOTED_EXEC

MOUNTS = Path("/proc/self/mounts")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system that has a shell and nothing else."""
    if os.geteuid() != 0:
        pytest.skip("only root can enter another root folder")
    root = tmp_path / "root"
    shell = Path("/bin/sh").resolve()
    linked = subprocess.run(["ldd", shell], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"(/\S+) \(0x", linked):
        target = root / library[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    (root / "proc").mkdir()
    (root / "bin").mkdir()
    shutil.copy(shell, root / "bin/sh")
    return root


def run_inside(root: Path, shared: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", ROOTED_EXEC, root, shared, *command],
        cwd=shared,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_sees_its_root_the_processes_and_the_shared_folder(root: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    before = MOUNTS.read_text()

    done = run_inside(
        root, shared, "/bin/sh", "-c", "echo /*; test -d /proc/$$ && echo $PWD > here"
    )

    assert done.returncode == 0, done.stderr
    assert "/bin" in done.stdout.split()
    assert "/usr/bin" not in done.stdout.split()
    assert (shared / "here").read_text() == f"{shared}\n"
    assert MOUNTS.read_text() == before


def test_a_program_that_is_not_there_ends_with_127(root: Path, tmp_path: Path) -> None:
    done = run_inside(root, tmp_path, "/bin/rabbitmq-server")

    assert done.returncode == 127
    assert "/bin/rabbitmq-server" in done.stderr


def test_a_root_that_is_not_there_ends_with_126(tmp_path: Path) -> None:
    done = run_inside(tmp_path / "none", tmp_path, "/bin/sh")

    assert done.returncode == 126
    assert "cannot enter" in done.stderr
