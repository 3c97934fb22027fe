"""RabbitMQ and Redis that are already installed on this machine."""

import re
import shutil
from pathlib import Path

from tests.services.binaries import RabbitMQBinaries, RedisBinaries
from tests.services.errors import Unavailable

RELEASE_PATTERN = "rabbitmq_server-*/sbin/rabbitmq-server"
RELEASE_FOLDERS = (
    Path("/usr/lib/rabbitmq/lib"),
    Path("/usr/local/lib/rabbitmq/lib"),
    Path("/usr/local/lib"),
    Path("/opt"),
    Path("/opt/rabbitmq"),
)


def rabbitmq_binaries() -> RabbitMQBinaries:
    """Raises Unavailable, saying which of the programs is missing."""
    server = _newest_release_script()
    return RabbitMQBinaries(server, epmd=epmd_of_this_machine())


def redis_binaries() -> RedisBinaries:
    server = shutil.which("redis-server")
    if server is None:
        raise Unavailable("no `redis-server` on the PATH")
    return RedisBinaries(Path(server))


def _newest_release_script() -> Path:
    """The release's own script: the one in /usr/sbin is a wrapper that insists on `su rabbitmq`."""
    found = [script for folder in RELEASE_FOLDERS for script in folder.glob(RELEASE_PATTERN)]
    on_path = shutil.which("rabbitmq-server")
    if on_path and (script := Path(on_path).resolve()).match(RELEASE_PATTERN):
        found.append(script)
    if not found:
        raise Unavailable("no rabbitmq_server-*/sbin/rabbitmq-server in the usual folders")
    return max(found, key=_version)


def _version(script: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", script.parent.parent.name)]


def epmd_of_this_machine() -> Path:
    """Beside `erl`, on the PATH, or in the runtime's own folder. Raises Unavailable."""
    found = shutil.which("erl")
    if found is None:
        raise Unavailable("no `erl` on the PATH")
    erl = Path(found)
    beside = erl.resolve().with_name("epmd")
    on_path = shutil.which("epmd")
    candidates = [
        *erl.resolve().parent.parent.glob("erts-*/bin/epmd"),
        beside,
        *([Path(on_path)] if on_path else []),
    ]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise Unavailable(f"no `epmd` belongs to {erl}")
