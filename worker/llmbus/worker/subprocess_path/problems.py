"""What can be wrong with a script, apart from what it reports itself."""

from __future__ import annotations

import errno
import signal
from enum import StrEnum
from pathlib import Path
from typing import Final

from llmbus.worker.subprocess_path.process import Cut, ProcessEnd, ProcessLimits

__all__ = ["Problem", "ScriptProblem", "not_startable", "problem_before", "problem_of"]


class ScriptProblem(StrEnum):
    """Stands in a result's `metadata["script_problem"]`; docs/operations.md says what to do."""

    SCRIPT_MISSING = "script_missing"
    SCRIPT_UNREADABLE = "script_unreadable"
    INTERPRETER_MISSING = "interpreter_missing"
    INTERPRETER_NOT_EXECUTABLE = "interpreter_not_executable"
    NOT_STARTED = "not_started"
    GUARD_LOST = "guard_lost"
    TIME_LIMIT = "time_limit"
    OUTPUT_LIMIT = "output_limit"
    KILLED_BY_SIGNAL = "killed_by_signal"
    LEFT_CHILDREN = "left_children"
    NO_ANSWER = "no_answer"
    SEVERAL_ANSWERS = "several_answers"
    GARBAGE = "garbage"
    WRONG_ANSWER = "wrong_answer"
    WRONG_EXIT_CODE = "wrong_exit_code"


Problem = tuple[ScriptProblem, str]
"""With words for the operator."""

_INTERPRETER = "the interpreter LLMBUS_FALLBACK_PYTHON={}"
_OF_THE_MACHINE: Final = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
"""Why a process cannot be started, whatever its interpreter is."""


def problem_before(script: Path, limits: ProcessLimits) -> Problem | None:
    """Why this script cannot be started; None if it can be tried."""
    if not script.exists():
        return (
            ScriptProblem.SCRIPT_MISSING,
            f"the script {script.name} is missing from {script.parent}: restore it, or set"
            " LLMBUS_SCRIPTS_DIR",
        )
    if not script.is_file() or not _is_readable(script):
        return (
            ScriptProblem.SCRIPT_UNREADABLE,
            f"the script {script} cannot be read or is no file: mend its permissions",
        )
    if limits.time.total_seconds() <= 0:
        return ScriptProblem.TIME_LIMIT, "no time was left to run the script: nothing was sent"
    return None


def not_startable(reason: object) -> Problem:
    """No process, or nowhere for it to work."""
    return (
        ScriptProblem.NOT_STARTED,
        f"this machine could not start the script: {reason}; look at its memory, its disk and the"
        " limits of this process",
    )


def problem_of(end: ProcessEnd, python: Path, limits: ProcessLimits) -> Problem | None:
    """What went wrong with the process itself; None if it ended by itself."""
    if end.not_started is not None:
        return _not_started(end.not_started, python)
    if end.cut is Cut.OUTPUT:
        return (
            ScriptProblem.OUTPUT_LIMIT,
            f"the script wrote more than {limits.output_bytes} bytes and was killed with its"
            " children: it must print one JSON object (LLMBUS_FALLBACK_OUTPUT_BYTES)",
        )
    if end.cut is Cut.TIME:
        return (
            ScriptProblem.TIME_LIMIT,
            f"the script did not end within {limits.time.total_seconds():g} s and was killed with"
            " its children; its call may be billed",
        )
    if end.unguarded is not None:
        return not_startable(f"what watches over it failed: {end.unguarded}")
    if end.guard_code is not None:
        return (
            ScriptProblem.GUARD_LOST,
            f"the process that watches over the script ended with {end.guard_code} and took it"
            " along: out of memory? Its call may be billed",
        )
    if end.signal is not None:
        return ScriptProblem.KILLED_BY_SIGNAL, f"the script was killed by {_signal(end.signal)}"
    return None


def _not_started(number: int, python: Path) -> Problem:
    subject = _INTERPRETER.format(python)
    text = errno.errorcode.get(number, str(number))
    if number in _OF_THE_MACHINE:
        return not_startable(text)
    if number == errno.ENOENT:
        return (
            ScriptProblem.INTERPRETER_MISSING,
            f"{subject} does not exist: correct the variable, or unset it",
        )
    return (
        ScriptProblem.INTERPRETER_NOT_EXECUTABLE,
        f"{subject} cannot be executed ({text}): give it the path of a Python",
    )


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"{name}: out of memory?" if number == signal.SIGKILL else name


def _is_readable(script: Path) -> bool:
    try:
        with script.open("rb"):
            return bool(script.stat().st_mode & 0o444)
    except OSError:
        return False
