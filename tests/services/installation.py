"""A RabbitMQ installation of another version, named by its folder."""

import os
import sys
from pathlib import Path

from tests.services import native
from tests.services.binaries import RabbitMQBinaries
from tests.services.errors import GivenInstallationError, Unavailable
from tests.services.folders import folder_of_all_runs

__all__ = ["INSTALLATION_VARIABLE", "is_named", "rabbitmq_binaries", "rabbitmq_in"]

INSTALLATION_VARIABLE = "TEST_RABBITMQ_INSTALLATION"
ROOTED_EXEC = Path(__file__).with_name("rooted_exec.py")
RELEASES = "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"
RUNTIMES = "usr/lib/erlang/erts-*/bin/epmd"
PROGRAM_FOLDERS = tuple(map(Path, ("/usr/sbin", "/usr/bin", "/sbin", "/bin")))


def is_named() -> bool:
    """Whether a person asked for one installation. Then no other takes its place."""
    return bool(os.environ.get(INSTALLATION_VARIABLE))


def rabbitmq_binaries() -> RabbitMQBinaries:
    """Raises Unavailable if none is named, GivenInstallationError if the named one is none."""
    if not is_named():
        raise Unavailable(f"{INSTALLATION_VARIABLE} is not set")
    return rabbitmq_in(Path(os.environ[INSTALLATION_VARIABLE]).absolute())


def rabbitmq_in(folder: Path) -> RabbitMQBinaries:
    """Of a release that was unpacked (it runs on this machine's Erlang), or of a root folder with
    packages installed in it (it runs inside, which needs root). Raises GivenInstallationError."""
    servers, epmds = sorted(folder.glob(RELEASES)), sorted(folder.glob(RUNTIMES))
    if servers and epmds and (folder / "bin/sh").exists():
        return _inside(folder, servers[-1], epmds[-1])
    release = folder / "sbin/rabbitmq-server"
    if not release.is_file():
        raise GivenInstallationError(
            f"{INSTALLATION_VARIABLE}: {folder} holds neither sbin/rabbitmq-server nor a whole"
            f" system with {RELEASES} and {RUNTIMES}; name the folder of a release, or the root"
            " folder of a system in which RabbitMQ is installed"
        )
    return _on_the_erlang_of_this_machine(release)


def _inside(root: Path, server: Path, epmd: Path) -> RabbitMQBinaries:
    if os.geteuid() != 0:
        raise GivenInstallationError(
            f"{INSTALLATION_VARIABLE}: {root} is the root folder of a system, which only root can"
            " enter; run as root, or name the folder of a release"
        )
    return RabbitMQBinaries(
        Path("/") / server.relative_to(root),
        PROGRAM_FOLDERS,
        epmd=Path("/") / epmd.relative_to(root),
        entrance=(sys.executable, "-I", "-S", ROOTED_EXEC, root, folder_of_all_runs()),
    )


def _on_the_erlang_of_this_machine(release: Path) -> RabbitMQBinaries:
    try:
        return RabbitMQBinaries(release, epmd=native.epmd_of_this_machine())
    except Unavailable as reason:
        raise GivenInstallationError(f"{INSTALLATION_VARIABLE}: {release}: {reason}") from None
