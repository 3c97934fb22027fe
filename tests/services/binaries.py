"""Which programs to run, wherever they were found."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerBinaries:
    """A server and what its environment needs so that a tree unpacked anywhere works."""

    server: Path
    program_folders: tuple[Path, ...] = ()
    library_folders: tuple[Path, ...] = ()

    def environment(self) -> dict[str, str]:
        """PATH and libraries only: nothing of the caller's environment leaks into a server."""
        path = [*map(str, self.program_folders), os.environ.get("PATH", os.defpath)]
        environment = {"PATH": os.pathsep.join(path), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        if self.library_folders:
            environment["LD_LIBRARY_PATH"] = os.pathsep.join(map(str, self.library_folders))
        return environment


@dataclass(frozen=True)
class RedisBinaries(ServerBinaries):
    """`server` is redis-server."""


@dataclass(frozen=True, kw_only=True)
class RabbitMQBinaries(ServerBinaries):
    """`server` is sbin/rabbitmq-server of a release; its start script finds `erl` on the PATH."""

    epmd: Path
    entrance: tuple[str | Path, ...] = ()
    """The command that runs another one where the programs are: nothing if that is here. Then
    their paths, and those of their environment, are as they see them."""

    def command(self, program: Path, *arguments: str) -> list[str | Path]:
        """How one of the programs is run from here."""
        return [*self.entrance, program, *arguments]
