"""Data folders do not outlive their run for longer than until the next one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.folders import data_folder

HOLD_A_FOLDER = """
from tests.services.folders import data_folder
with data_folder("held") as folder:
    print(folder, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def test_a_folder_is_private_and_removed_at_the_end() -> None:
    with data_folder("some") as folder:
        (folder / "data").write_text("x")
        assert folder.parent.stat().st_mode & 0o077 == 0

    assert not folder.exists()


def test_the_next_run_removes_the_folder_of_a_killed_one_and_no_other() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_A_FOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        held = Path(other.stdout.readline().strip())
        with data_folder("mine") as mine:
            assert held.is_dir()
            assert mine.is_dir()
        other.kill()

    assert held.is_dir()
    with data_folder("next"):
        assert not held.exists()
