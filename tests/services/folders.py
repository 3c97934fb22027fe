"""Temporary data folders that are removed at the end, or by the next run if there was no end."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

IN_USE_LOCK = "in-use.lock"


def folder_of_all_runs() -> Path:
    """One private folder per user. Raises PermissionError if somebody else made it."""
    folder = Path(tempfile.gettempdir()) / f"llmbus-services-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder


@contextmanager
def exclusively(lock_file: Path) -> Generator[None]:
    """Hold a lock between processes; the kernel frees it when its holder dies."""
    with lock_file.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def data_folder(purpose: str) -> Generator[Path]:
    """A new folder for one run, in use until the end of the block or of this process."""
    base = folder_of_all_runs()
    with exclusively(base / "making-folders.lock"):  # else a sweep could take a folder being made
        _remove_stale_folders(base)
        folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=base))
        in_use = (folder / IN_USE_LOCK).open("wb")
        fcntl.flock(in_use, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        in_use.close()


def _remove_stale_folders(base: Path) -> None:
    for folder in base.iterdir():
        if folder.is_dir() and not _is_in_use(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_in_use(folder: Path) -> bool:
    lock: IO[bytes]
    with suppress(FileNotFoundError), (folder / IN_USE_LOCK).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
