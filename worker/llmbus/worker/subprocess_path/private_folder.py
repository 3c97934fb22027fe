"""A folder for one run of a script, gone afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

__all__ = ["private_folder", "remove_folder"]


@asynccontextmanager
async def private_folder() -> AsyncGenerator[Path]:
    """A new folder that nobody else may enter. Raises `OSError` if there can be none."""
    folder = Path(
        tempfile.mkdtemp(prefix="llmbus-script-")
    )  # a thread could outlive a cancellation
    try:
        yield folder
    finally:
        await asyncio.to_thread(remove_folder, folder)  # goes on if we are cancelled now


def remove_folder(folder: Path) -> None:
    """Also what was made read-only in it; nothing that a link in it leads to. What cannot be
    removed is left to the system."""
    with suppress(OSError):
        folder.chmod(stat.S_IRWXU)
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(parent, name)
            if not path.is_symlink():
                with suppress(OSError):
                    path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
