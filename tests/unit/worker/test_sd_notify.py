"""What systemd hears, on a real datagram socket."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from llmbus.worker.sd_notify import ServiceManager


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, name: str, bound: str) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(bound)
        self._socket.setblocking(False)

    async def heard(self) -> str:
        async with asyncio.timeout(10):
            return (await asyncio.get_running_loop().sock_recv(self._socket, 4_096)).decode()

    def has_heard_nothing(self) -> bool:
        try:
            self._socket.recv(1)
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    if request.param == "path":
        end = Systemd(str(tmp_path / "notify"), str(tmp_path / "notify"))
    else:
        name = f"llmbus-test-{uuid4().hex}"
        end = Systemd(f"@{name}", f"\0{name}")
    yield end
    end.close()


async def test_systemd_hears_every_state(systemd: Systemd) -> None:
    manager = ServiceManager.from_environment({"NOTIFY_SOCKET": systemd.name})
    manager.ready()
    manager.status("not ready: draining")
    manager.stopping()
    said = [await systemd.heard() for _ in range(3)]
    assert said == ["READY=1", "STATUS=not ready: draining", "STOPPING=1"]


async def test_the_watchdog_is_fed_while_the_worker_lives_and_not_after(systemd: Systemd) -> None:
    lives = [True, True, False]
    asked = asyncio.Event()

    def is_live() -> bool:
        alive = lives.pop(0) if len(lives) > 1 else lives[0]
        if not alive:
            asked.set()
        return alive

    environment = {"NOTIFY_SOCKET": systemd.name, "WATCHDOG_USEC": "20000"}
    manager = ServiceManager.from_environment(environment)
    feeding = asyncio.create_task(manager.keep_alive(is_live))
    assert [await systemd.heard(), await systemd.heard()] == ["WATCHDOG=1", "WATCHDOG=1"]
    await asked.wait()
    feeding.cancel()
    assert systemd.has_heard_nothing()


@pytest.mark.parametrize(
    "environment",
    [
        {"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {},
    ],
)
async def test_no_watchdog_is_fed_that_is_not_ours(
    systemd: Systemd, environment: dict[str, str]
) -> None:
    manager = ServiceManager.from_environment(environment | {"NOTIFY_SOCKET": systemd.name})
    await manager.keep_alive(lambda: True)
    assert systemd.has_heard_nothing()


async def test_the_watchdog_of_this_process_is_fed(systemd: Systemd) -> None:
    environment = {"WATCHDOG_USEC": "9000000", "WATCHDOG_PID": str(os.getpid())}
    manager = ServiceManager.from_environment(environment | {"NOTIFY_SOCKET": systemd.name})
    feeding = asyncio.create_task(manager.keep_alive(lambda: True))
    assert await systemd.heard() == "WATCHDOG=1"
    feeding.cancel()


def test_without_systemd_nothing_happens() -> None:
    ServiceManager.from_environment({}).ready()


def test_a_socket_that_is_gone_is_no_error(tmp_path: Path) -> None:
    ServiceManager.from_environment({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
