"""A Redis of the suite's own, which may be killed, frozen, emptied and made read-only."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import redis

from tests.services import debian, native
from tests.services.binaries import RedisBinaries
from tests.services.endpoints import RedisEndpoint
from tests.services.errors import BrokerCannotBeRestarted, Unavailable
from tests.services.folders import data_folder
from tests.services.ports import free_ports
from tests.services.probes import redis_problem, wait_until_ready
from tests.services.processes import Child, spawn

__all__ = ["RedisProcess", "private_redis"]

_READY_SECONDS: Final = 15.0


class RedisProcess:
    """Keeps its port and password from one start to the next, and no data. Methods block."""

    def __init__(self, binaries: RedisBinaries, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        (self.port,) = free_ports(1)
        self.password = secrets.token_hex(12)
        self._child: Child | None = None
        self._copy: dict[bytes, tuple[bytes, int]] = {}
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "dir": folder,
            "save": '""',
            "appendonly": "no",
            "enable-debug-command": "local",
        }
        text = "".join(f"{key} {value}\n" for key, value in settings.items())
        (folder / "redis.conf").write_text(text)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Return when it answers; at once if it runs."""
        if self._child is not None and self._child.is_running():
            return
        with (self._folder / "redis.log").open("ab") as output:
            self._child = child = spawn(
                [self._binaries.server, self._folder / "redis.conf"],
                environment=self._binaries.environment(),
                folder=self._folder,
                output=output,
            )
        endpoint = RedisEndpoint(self.url)
        wait_until_ready(
            lambda: redis_problem(endpoint),
            still_running=child.is_running,
            seconds=_READY_SECONDS,
        )

    def kill9(self) -> None:
        """SIGKILL. What it held is gone."""
        if self._child is not None:
            self._child.kill()

    def freeze(self) -> None:
        """SIGSTOP: it takes connections and answers nothing."""
        if self._child is not None:
            self._child.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT, after `freeze`."""
        if self._child is not None:
            self._child.signal(signal.SIGCONT)

    def command(self, *words: str | int) -> None:
        """One command, such as FLUSHALL."""
        with self._client() as client:
            client.execute_command(*words)

    def evict_every_second_key(self) -> None:
        """As where memory is short and the policy lets any key go."""
        with self._client() as client:
            if keys := sorted(client.scan_iter())[::2]:
                client.unlink(*keys)

    def copy(self) -> None:
        """Keep all that it knows now, for `go_back_to_copy`."""
        with self._client() as client:
            self._copy = {
                key: (dumped, client.pexpiretime(key))
                for key in client.scan_iter()
                if (dumped := client.dump(key)) is not None
            }

    def go_back_to_copy(self) -> None:
        """Forget what came after the latest `copy`, in one step. Keys expire when they would."""
        with self._client() as client, client.pipeline() as steps:
            steps.flushall()
            for key, (dumped, expires_at_ms) in self._copy.items():
                steps.restore(key, max(expires_at_ms, 0), dumped, absttl=True)
            steps.execute()

    def _client(self) -> Any:
        return redis.Redis.from_url(self.url)  # pyright: ignore[reportUnknownMemberType]


@contextmanager
def private_redis() -> Generator[RedisProcess]:
    """A started Redis. Raises BrokerCannotBeRestarted where there is no program to start."""
    binaries = _first_binaries(native.redis_binaries, debian.redis_binaries)
    with data_folder("faults-redis") as folder:
        process = RedisProcess(binaries, folder)
        try:
            process.start()
            yield process
        finally:
            process.kill9()


def _first_binaries(*finders: Callable[[], RedisBinaries]) -> RedisBinaries:
    reasons: list[str] = []
    for find in finders:
        try:
            return find()
        except Unavailable as reason:
            reasons.append(str(reason))
    raise BrokerCannotBeRestarted("; ".join(reasons))
