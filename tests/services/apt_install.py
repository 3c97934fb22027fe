"""RabbitMQ and Redis installed with apt-get, as root, without their daemons being started."""

import os
import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.services import native
from tests.services.apt_download import last_words
from tests.services.binaries import RabbitMQBinaries, RedisBinaries
from tests.services.errors import Unavailable
from tests.services.folders import exclusively, folder_of_all_runs

RABBITMQ_PACKAGE = "rabbitmq-server"
REDIS_PACKAGE = "redis-server"
POLICY_FILE = Path("/usr/sbin/policy-rc.d")
POLICY = "#!/bin/sh\n# made by tests.services while it installs packages\nexit 101\n"


def rabbitmq_binaries() -> RabbitMQBinaries:
    install(RABBITMQ_PACKAGE)
    return native.rabbitmq_binaries()


def redis_binaries() -> RedisBinaries:
    install(REDIS_PACKAGE)
    return native.redis_binaries()


def install(package: str) -> None:
    """Install one package. Raises Unavailable without apt-get or root, or if apt-get fails."""
    if shutil.which("apt-get") is None:
        raise Unavailable("no apt-get")
    if os.geteuid() != 0:
        raise Unavailable("not root")
    with exclusively(folder_of_all_runs() / "installing.lock"), _daemons_held_back():
        _apt_get(["update"])
        _apt_get(["install", "--yes", "--no-install-recommends", package])


@contextmanager
def _daemons_held_back() -> Generator[None]:
    """Without a policy Debian starts a broker on all addresses while it installs one."""
    ours = not POLICY_FILE.exists() or POLICY_FILE.read_text(errors="replace") == POLICY
    if not ours:  # the machine's own policy is respected
        yield
        return
    POLICY_FILE.write_text(POLICY)
    POLICY_FILE.chmod(0o755)
    try:
        yield
    finally:
        POLICY_FILE.unlink(missing_ok=True)


def _apt_get(arguments: Sequence[str]) -> None:
    done = subprocess.run(
        ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        words = last_words(done.stderr or done.stdout)
        raise Unavailable(f"`apt-get {arguments[0]}` ended with {done.returncode}: {words}")
