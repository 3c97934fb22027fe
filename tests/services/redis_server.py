"""A real Redis as a child process."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.services.binaries import RedisBinaries
from tests.services.endpoints import RedisEndpoint
from tests.services.errors import StartFailed
from tests.services.folders import data_folder
from tests.services.ports import free_ports, is_taken
from tests.services.probes import redis_problem, wait_until_ready
from tests.services.processes import Child, spawn

HOST = "127.0.0.1"
READY_SECONDS = 15.0
START_TRIES = 3


@contextmanager
def running_redis(binaries: RedisBinaries) -> Generator[RedisEndpoint]:
    """A Redis without persistence on a free port, killed at the end. Raises StartFailed."""
    with data_folder("redis") as folder:
        child, endpoint = _start_on_free_port(binaries, folder)
        try:
            yield endpoint
        finally:
            child.kill()


def _start_on_free_port(binaries: RedisBinaries, folder: Path) -> tuple[Child, RedisEndpoint]:
    for tries_left in reversed(range(START_TRIES)):
        (port,) = free_ports(1)
        try:
            return _start(binaries, folder, port)
        except StartFailed:
            # Only a lost port is worth another try; anything else fails the same way again.
            if not tries_left or not is_taken(port):
                raise
    raise AssertionError("unreachable")


def _start(binaries: RedisBinaries, folder: Path, port: int) -> tuple[Child, RedisEndpoint]:
    password = secrets.token_hex(12)
    config = folder / "redis.conf"
    settings = {
        "bind": HOST,
        "port": port,
        "requirepass": password,  # in a file, because other users can read a command line
        "dir": folder,
        "save": '""',
        "appendonly": "no",
        "daemonize": "no",
    }
    config.write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    log = folder / "redis.log"
    with log.open("wb") as output:
        child = spawn(
            [binaries.server, config],
            environment=binaries.environment(),
            folder=folder,
            output=output,
        )
    endpoint = RedisEndpoint(f"redis://:{password}@{HOST}:{port}/0")
    try:
        wait_until_ready(
            lambda: redis_problem(endpoint), still_running=child.is_running, seconds=READY_SECONDS
        )
    except BaseException as error:
        child.kill()
        if isinstance(error, StartFailed):
            raise StartFailed(f"Redis: {error}\n{log.read_text(errors='replace')[-800:]}") from None
        raise
    return child, endpoint
