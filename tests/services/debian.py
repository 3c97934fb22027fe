"""RabbitMQ and Redis from Debian packages that are downloaded and unpacked, never installed."""

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.services.apt_download import AptDownload, last_words
from tests.services.binaries import RabbitMQBinaries, RedisBinaries
from tests.services.errors import Unavailable
from tests.services.folders import exclusively

PACKAGES = ("rabbitmq-server", "redis-server")
TOOLS = ("apt-get", "dpkg", "dpkg-query")
SHIM_FOLDER = "relocated-bin"

# Debian's own `erl` has /usr/lib/erlang written into every branch; this one looks beside itself.
ERL_SHIM = """\
#!/bin/sh
ROOTDIR=${0%/*}/../usr/lib/erlang
BINDIR=$(echo "$ROOTDIR"/erts-*/bin)
EMU=beam
PROGNAME=erl
export ROOTDIR BINDIR EMU PROGNAME
exec "$BINDIR/erlexec" "$@"
"""


def rabbitmq_binaries() -> RabbitMQBinaries:
    """From the unpacked tree, which is made first if it is missing. Raises Unavailable."""
    return rabbitmq_in(unpacked_tree())


def redis_binaries() -> RedisBinaries:
    return redis_in(unpacked_tree())


def rabbitmq_in(tree: Path) -> RabbitMQBinaries:
    servers = sorted(tree.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"))
    epmds = sorted(tree.glob("usr/lib/erlang/erts-*/bin/epmd"))
    if not servers or not epmds:
        raise Unavailable(f"{tree} holds no RabbitMQ")
    return RabbitMQBinaries(
        servers[-1], (tree / SHIM_FOLDER,), _library_folders(tree), epmd=epmds[-1]
    )


def redis_in(tree: Path) -> RedisBinaries:
    return RedisBinaries(tree / "usr/bin/redis-server", (), _library_folders(tree))


def unpacked_tree() -> Path:
    """The tree of this release and architecture, usable at once. Raises Unavailable.

    Two processes at once get the same tree: one makes it under a lock, in a folder of another
    name that is renamed when it is complete; the other waits.
    """
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        raise Unavailable(f"not a Debian: no {', '.join(missing)}")
    cache = _cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with exclusively(cache / "unpacking.lock"):
            tree = cache / _release_name()
            if not usable(tree):
                _replace(tree)
    except OSError as error:
        raise Unavailable(f"{cache}: {error.strerror or error}") from error
    return tree


def existing_tree() -> Path | None:
    """The tree if an earlier run made it; downloads nothing."""
    tree = _cache_folder() / _release_name()
    return tree if usable(tree) else None


def usable(tree: Path) -> bool:
    """False also where the tree came from a machine that had more libraries than this one."""
    programs = [
        tree / "usr/bin/redis-server",
        *tree.glob("usr/lib/erlang/erts-*/bin/beam.smp"),
        *tree.glob("usr/lib/erlang/lib/crypto-*/priv/lib/crypto.so"),
    ]
    if len(programs) < 3 or not programs[0].is_file():
        return False
    libraries = os.pathsep.join(map(str, _library_folders(tree)))
    linked = subprocess.run(
        ["ldd", *programs],
        env={"PATH": os.environ.get("PATH", os.defpath), "LD_LIBRARY_PATH": libraries},
        capture_output=True,
        text=True,
        check=False,
    )
    return linked.returncode == 0 and "not found" not in linked.stdout


def _replace(tree: Path) -> None:
    for leftover in tree.parent.glob("*.partial"):  # of a run that was killed; we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(suffix=".partial", dir=tree.parent))
    try:
        fresh = partial / "tree"
        _fill(fresh, AptDownload(partial))
        shutil.rmtree(tree, ignore_errors=True)
        fresh.rename(tree)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if not usable(tree):
        raise Unavailable(f"the unpacked programs in {tree} miss libraries, see `ldd`")


def _fill(tree: Path, apt: AptDownload) -> None:
    tree.mkdir()
    apt.prepare()
    warnings = apt.update()
    try:
        wanted = apt.closure(PACKAGES)
    except Unavailable as error:
        raise Unavailable(f"{error} {last_words(warnings)}") from None
    for archive in apt.download(wanted):
        apt.unpack(archive, tree)
    shim = tree / SHIM_FOLDER / "erl"
    shim.parent.mkdir()
    shim.write_text(ERL_SHIM)
    shim.chmod(0o755)


def _library_folders(tree: Path) -> tuple[Path, ...]:
    folders = [tree / "lib", tree / "usr/lib", *tree.glob("lib/*-linux-gnu*")]
    return (*folders, *tree.glob("usr/lib/*-linux-gnu*"))


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "llmbus-test-services"


def _release_name() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    return (
        f"{release.get('ID', 'linux')}-{release.get('VERSION_ID', 'rolling')}-{platform.machine()}"
    )
