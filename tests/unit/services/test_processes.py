"""Children live exactly as long as they should."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from tests.services.processes import Child, spawn
from tests.services.waiting import is_gone, wait_for, wait_until_gone

SPAWN_AND_WAIT = """
import os
from tests.services.processes import spawn
print(spawn(["sleep", "600"], environment=os.environ).pid, flush=True)
input()
"""


def test_a_child_dies_when_its_parent_is_killed_9() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SPAWN_AND_WAIT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not is_gone(child)
        parent.kill()

    wait_until_gone([child])


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    """The kernel's parent-death signal comes when the forking thread ends, not the process."""
    ready, go_on = tmp_path / "ready", tmp_path / "go-on"
    os.mkfifo(go_on)
    script = f"touch {ready}; read line < {go_on}; exit 5"
    children: list[Child] = []

    def ask() -> None:
        children.append(spawn(["sh", "-c", script], environment=os.environ))
        wait_for(ready.exists, seconds=10, what="the child runs")

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    pipe = os.open(go_on, os.O_RDWR)
    os.write(pipe, b"go\n")

    assert children[0].wait(10) == 5
    os.close(pipe)


def test_kill_reaches_the_children_of_the_child() -> None:
    child = spawn(["sh", "-c", "sleep 600 & wait"], environment=os.environ)
    process = psutil.Process(child.pid)
    wait_for(lambda: bool(process.children()), seconds=10, what="a grandchild")
    (grandchild,) = process.children()

    child.kill()

    wait_until_gone([grandchild.pid])


def test_a_program_that_does_not_exist_ends_with_127() -> None:
    assert spawn(["no-such-program-anywhere"], environment=os.environ).wait(10) == 127
