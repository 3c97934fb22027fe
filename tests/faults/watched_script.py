"""The script of the suite's fallback: the product's own one, seen, and spoilt where it is told.

It stands as `execute_gpt.py` in a folder of the run, beside the files that spoil it, and knows
nothing of the suite but that folder: a script's environment has no room for more.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import socket
import sys
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).parent
LONG_SECONDS = 3600


def main() -> None:
    task = _task_of_stdin()
    _tell_and_wait(task)
    spoilt = _spoilt_as(task)
    if spoilt == "":
        _ask()
        return
    answer = os.dup(1)
    if spoilt != "leaves-children":
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with suppress(SystemExit):
        _ask()
    _spoil(spoilt, answer)


def _task_of_stdin() -> str:
    """The task's id; stdin can be read again afterwards."""
    body = b""
    while chunk := os.read(0, 65_536):
        body += chunk
    again = os.memfd_create("stdin")
    os.write(again, body)
    os.lseek(again, 0, os.SEEK_SET)
    os.dup2(again, 0)
    return str(json.loads(body)["task_id"])


def _tell_and_wait(task: str) -> None:
    """Until the suite lets us go on, as at every step."""
    who = re.sub("sk-faults-(.+)-secret", r"\1", os.environ["OPENAI_API_KEY"])
    report = {
        "fact": "script_started",
        "step": "S4c",
        "stop": 1,
        "task": task,
        "number": os.getpid(),
    }
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(HERE.parent / "gates.socket"))
        line.sendall(who.encode() + b"\n" + json.dumps(report).encode() + b"\n")
        line.recv(64)


def _spoilt_as(task: str) -> str:
    """How this run goes wrong. The next one of the same task does not, unless it is told, too."""
    order = HERE / f"{task}.spoilt"
    with suppress(FileNotFoundError):
        how = order.read_text()
        order.unlink()
        return how
    return ""


def _ask() -> None:
    runpy.run_module("llmbus.worker.llm_execution.execute_gpt", run_name="__main__")


def _spoil(how: str, answer: int) -> None:
    """After the call, which is paid."""
    if how == "leaves-children":
        for _ in range(2):
            _be_outlived()
    elif how == "prints-garbage":
        garbage = f"no answer, but {dict(os.environ)}"
        os.write(answer, garbage.encode())
        print(garbage, file=sys.stderr)
    elif how == "crashes":
        os.abort()
    sys.exit(0)


def _be_outlived() -> None:
    """By a process of another session, which holds stdout and does not heed SIGTERM."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execl(
                sys.executable,
                sys.executable,
                "-c",
                "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
                f" time.sleep({LONG_SECONDS})",
            )
        os._exit(0)


if __name__ == "__main__":
    main()
