"""A folder of small scripts in place of the packaged ones, and a record of what they did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llmbus.worker.subprocess_path import ScriptSettings

__all__ = ["BROKEN", "GOOD", "ScriptFolder"]

_BEGIN: Final = """\
import json, os, signal, subprocess, sys, time
task = json.load(sys.stdin)
answer = {{"task_id": task["task_id"], "prompt_tokens": 7, "completion_tokens": 2}}
def note(word):
    with open({notes!r}, "a") as notes:
        notes.write(json.dumps([word, task["task_id"], os.getpid()]) + "\\n")
note("begun")
"""

GOOD: Final = """\
print(json.dumps(answer | {"status": "success", "output": "by the script"}))
"""
BROKEN: Final = """\
print("the script is broken", file=sys.stderr)
print(json.dumps(answer | {"status": "failed", "error": "cannot go on", "exit_code": 1}))
sys.exit(1)
"""


@dataclass(frozen=True)
class ScriptFolder:
    """`write` takes what comes after the task was read into `task`."""

    folder: Path

    def write(self, code: str, name: str = "execute_gpt.py") -> None:
        begin = _BEGIN.format(notes=str(self._notes))
        (self.folder / name).write_text(begin + code)

    def settings(self, **settings: Any) -> ScriptSettings:
        values: dict[str, Any] = {"scripts_dir": self.folder} | settings
        return ScriptSettings(**values)

    def noted(self, word: str = "begun") -> list[str]:
        """The ids of the tasks for which a script noted this, in order."""
        return [task_id for said, task_id, _ in self._read() if said == word]

    def words(self) -> list[str]:
        """All that was noted, by whichever script, in order."""
        return [said for said, _, _ in self._read()]

    def process_ids(self) -> list[int]:
        """Of every script that was started."""
        return [pid for said, _, pid in self._read() if said == "begun"]

    @property
    def _notes(self) -> Path:
        return self.folder / "notes"

    def _read(self) -> list[tuple[str, str, int]]:
        if not self._notes.exists():
            return []
        return [json.loads(line) for line in self._notes.read_text().splitlines()]
