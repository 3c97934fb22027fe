"""How the command ends when something goes wrong inside of it."""

from __future__ import annotations

import subprocess
import sys

STAND_IN = """
import sys, types
def workers() -> None:
    {body}
stand_in = types.ModuleType("llmbus.ops.cli.workers")
stand_in.workers = workers
sys.modules[stand_in.__name__] = stand_in
sys.argv[1:] = ["workers"]
from llmbus.ops.cli import main
main()
"""


def run(body: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`llmbus workers` with another command in its place."""
    program = [sys.executable, "-c", STAND_IN.format(body=body)]
    return subprocess.run(program, capture_output=True, text=True, check=False, env=environment)


def test_a_bug_shows_its_traceback_and_has_a_code_of_its_own() -> None:
    done = run("raise RuntimeError('a bug')")
    assert done.returncode == 70
    assert "Traceback" in done.stderr
    assert "RuntimeError: a bug" in done.stderr


def test_settings_that_were_read_without_care_end_in_one_line_too() -> None:
    done = run(
        "from llmbus.shared.settings import BusSettings; BusSettings()",
        LLMBUS_AMQP_URL="http://user:s3cret-word@broker",
    )
    assert done.returncode == 78
    assert done.stderr.startswith("llmbus: wrong setting: LLMBUS_AMQP_URL")
    assert len(done.stderr.splitlines()) == 1
    assert "s3cret-word" not in done.stderr


def test_an_interrupt_is_no_error() -> None:
    done = run("raise KeyboardInterrupt")
    assert (done.returncode, done.stderr) == (130, "")
