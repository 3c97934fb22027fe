"""What a script may do as a process: nothing of it stays, and nobody waits for it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from llmbus.shared import AgentTask, ExecutionStatus, FailureKind
from llmbus.worker.subprocess_path import ScriptProblem
from llmbus.worker.subprocess_path.private_folder import remove_folder
from tests.support.script_runs import ANSWER, GOOD, Scripts, problem, until

LONG_ENOUGH_TO_START_SECONDS = 5.0
LIFELINE_ARGUMENT = 4
"""Of the guard's command line: after the interpreter, its two options and the program."""
BOTH_ENDS = 2
WAIT = "threading.Event().wait()"
_CHILD = """
import os, sys, threading
reader, writer = os.pipe()
if os.fork() == 0:
    {setup}
    open({log!r}, "w").write(str(os.getpid()))
    os.write(writer, b"x")
    threading.Event().wait()
os.read(reader, 1)
"""


def with_child(log: Path, setup: str = "pass") -> str:
    """The beginning of a script that leaves a child behind."""
    return _CHILD.format(log=str(log), setup=setup)


def open_ends_here(pipe: str) -> int:
    """How many file descriptors this process has for the two ends of that pipe."""
    ends = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            ends += os.readlink(entry) == pipe
    return ends


def is_gone(pid_file: Path) -> bool:
    return not psutil.pid_exists(int(pid_file.read_text()))


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the private folders are made."""
    folder = tmp_path / "folders"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def test_script_hears_sigterm_and_may_end_by_itself(scripts: Scripts, tmp_path: Path) -> None:
    said = tmp_path / "said"
    end = await scripts.run(
        f"import pathlib, signal, sys, {WAIT.partition('.')[0]}\n"
        "def ended(*_):\n"
        f"    pathlib.Path({str(said)!r}).write_text('tidy'); sys.exit(7)\n"
        f"signal.signal(signal.SIGTERM, ended)\nwhile True: signal.pause()",
        timeout=timedelta(seconds=1),
    )
    assert problem(end) is ScriptProblem.TIME_LIMIT
    assert (said.read_text(), end.result.metadata["exit_code"]) == ("tidy", 7)


async def test_signals_are_not_ignored_in_a_script(scripts: Scripts) -> None:
    code = (
        "import json, signal\n"
        "found = {n.name: signal.getsignal(n) == signal.SIG_IGN for n in"
        " (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)}\n"
        f"print(json.dumps({ANSWER!r} | {{'metadata': found}}))"
    )
    metadata = (await scripts.run(code)).result.metadata
    assert [metadata[name] for name in ("SIGTERM", "SIGHUP", "SIGCHLD")] == [False] * 3


async def test_script_that_closes_its_streams_is_held_to_the_time_limit(scripts: Scripts) -> None:
    code = f"import os, threading\nfor fd in (0, 1, 2): os.close(fd)\n{WAIT}"
    end = await scripts.run(code, timeout=timedelta(seconds=1), description="x" * 1_000_000)
    assert problem(end) is ScriptProblem.TIME_LIMIT


async def test_script_that_went_into_the_background_is_told(
    scripts: Scripts, tmp_path: Path
) -> None:
    log = tmp_path / "pid"
    end = await scripts.run(with_child(log, "os.setsid()"), timeout=timedelta(seconds=30))
    assert problem(end) is ScriptProblem.LEFT_CHILDREN
    assert end.result.metadata["children_killed"] == 1
    assert is_gone(log)


async def test_paid_answer_is_kept_though_children_were_left(
    scripts: Scripts, tmp_path: Path
) -> None:
    log = tmp_path / "pid"
    code = with_child(log, "import signal; signal.signal(15, signal.SIG_IGN)") + GOOD
    end = await scripts.run(code, timeout=timedelta(seconds=30))
    assert (end.result.status, end.result.output) == (ExecutionStatus.SUCCESS, "Paris.")
    assert end.result.metadata["children_killed"] == 1
    assert is_gone(log)


async def test_children_that_end_with_the_script_are_no_rest(scripts: Scripts) -> None:
    code = f"import os\nif os.fork() == 0: os._exit(0)\n{GOOD}"
    assert "children_killed" not in (await scripts.run(code)).result.metadata


async def test_script_without_time_is_not_started(scripts: Scripts, tmp_path: Path) -> None:
    started = tmp_path / "started"
    end = await scripts.run(f"open({str(started)!r}, 'w')", timeout=timedelta())
    assert problem(end) is ScriptProblem.TIME_LIMIT
    assert not started.exists()


async def test_relative_paths_are_meant_from_here(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts.write(GOOD)
    monkeypatch.chdir(scripts.folder)
    assert (await scripts.run(scripts_dir=Path())).result.output == "Paris."
    scripts.environment["LLMBUS_MODEL_PROFILES"] = "models.toml"
    code = (
        "import json, os\n"
        f"print(json.dumps({ANSWER!r} | {{'output': os.environ['LLMBUS_MODEL_PROFILES']}}))"
    )
    assert (await scripts.run(code)).result.output == str(scripts.folder / "models.toml")


async def test_interpreter_in_a_relative_folder_is_found(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries = scripts.folder / "bin"
    binaries.mkdir()
    wrapper = binaries / "python"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.chdir(scripts.folder)
    assert (await scripts.run(GOOD, fallback_python=Path("bin/python"))).result.output == "Paris."


async def test_task_that_json_cannot_hold_is_rejected(scripts: Scripts) -> None:
    scripts.write(GOOD)
    task = AgentTask("t1", "Capital", "Name it.", "gpt-4", metadata={"context": object()})
    end = await scripts.run_task(task)
    assert end.result.failure is not None
    assert end.result.failure.kind is FailureKind.REJECTED


async def test_without_room_for_a_folder_the_script_is_not_started(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(scripts.folder / "nowhere"))
    assert problem(await scripts.run(GOOD)) is ScriptProblem.NOT_STARTED


async def test_folder_is_removed_whatever_the_script_made_of_it(
    scripts: Scripts, tmp_path: Path, folders: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    code = (
        "import os, pathlib\n"
        "deep = pathlib.Path('a/b'); deep.mkdir(parents=True)\n"
        f"os.symlink({str(outside)!r}, 'a/link')\n"
        "(deep / 'file').write_text('x'); (deep / 'file').chmod(0)\n"
        "deep.chmod(0); pathlib.Path('a').chmod(0); pathlib.Path('.').chmod(0)\n" + GOOD
    )
    assert (await scripts.run(code)).result.output == "Paris."
    assert not os.listdir(folders)
    assert outside.stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become somebody whom permissions bind")
def test_whom_permissions_bind_can_remove_it_too() -> None:
    folder = Path(tempfile.mkdtemp())
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("x")
    for path in (folder / "a" / "b" / "file", folder / "a" / "b", folder / "a", folder):
        os.chown(path, 65534, 65534)
        path.chmod(0)
    os.seteuid(65534)
    try:
        remove_folder(folder)
        rest = list(folder.iterdir()) if folder.exists() else []
    finally:
        os.seteuid(0)
    assert rest == []


@pytest.mark.parametrize("times", [1, 3])
async def test_however_often_it_is_cancelled_nothing_is_left(
    scripts: Scripts, tmp_path: Path, folders: Path, times: int
) -> None:
    log = tmp_path / "pid"
    stubborn = "import signal; signal.signal(15, signal.SIG_IGN); os.setsid()"
    running = asyncio.create_task(scripts.run(with_child(log, stubborn) + WAIT))
    await until(lambda: log.exists() and bool(log.read_text()), "the child has started")
    for _ in range(times):
        running.cancel()
        await asyncio.sleep(0)
    with suppress(asyncio.CancelledError):
        await running
    assert running.cancelled()
    assert is_gone(log)
    assert not psutil.Process().children(recursive=True)
    assert not os.listdir(folders)


async def test_script_dies_with_a_guard_that_is_killed(scripts: Scripts, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"import os, threading\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))\n{WAIT}"
    running = asyncio.create_task(scripts.run(code))
    await until(lambda: pid_file.exists() and bool(pid_file.read_text()), "the script has started")
    psutil.Process(int(pid_file.read_text())).parent().send_signal(signal.SIGKILL)  # type: ignore[union-attr]
    end = await running
    assert problem(end) is ScriptProblem.GUARD_LOST
    assert end.result.failure is not None
    assert "may be billed" in end.result.failure.message
    await until(lambda: is_gone(pid_file), "the script is gone")


async def test_script_that_ended_in_time_is_not_cut_whoever_is_late_to_see_it(
    scripts: Scripts, tmp_path: Path
) -> None:
    """As when we are frozen beyond the time limit: here it is the guard, which can be seen."""
    pid_file, go = tmp_path / "pid", tmp_path / "go"
    os.mkfifo(go)
    note = f"import os\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))\nopen({str(go)!r})\n"
    limit = timedelta(seconds=LONG_ENOUGH_TO_START_SECONDS)
    running = asyncio.create_task(scripts.run(note + GOOD, timeout=limit))
    await until(lambda: pid_file.exists() and bool(pid_file.read_text()), "the script has started")
    script = psutil.Process(int(pid_file.read_text()))
    guard = script.parent()
    assert guard is not None
    lifeline = os.readlink(f"/proc/{guard.pid}/fd/{guard.cmdline()[LIFELINE_ARGUMENT]}")
    guard.suspend()
    os.close(os.open(go, os.O_WRONLY))
    await until(lambda: script.status() == psutil.STATUS_ZOMBIE, "the script has ended")
    await until(lambda: open_ends_here(lifeline) < BOTH_ENDS, "the time limit is over")
    guard.resume()
    end = await running
    assert end.result.status is ExecutionStatus.SUCCESS


async def test_nothing_stays_open(scripts: Scripts) -> None:
    await scripts.run(GOOD)
    before = psutil.Process().num_fds()
    for _ in range(3):
        await scripts.run(GOOD)
        await scripts.run("print('x' * 10_000_000)", description="x" * 1_000_000)
        await scripts.run(GOOD, fallback_python=Path("/nowhere"))
    assert psutil.Process().num_fds() <= before


async def test_loop_goes_on_while_a_script_floods(scripts: Scripts) -> None:
    running = asyncio.create_task(
        scripts.run(
            "while True: print('x' * 2**20)",
            fallback_output_bytes=2**30,
            timeout=timedelta(seconds=1),
        )
    )
    turns = 0
    while not running.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
    assert problem(await running) in (ScriptProblem.TIME_LIMIT, ScriptProblem.OUTPUT_LIMIT)
