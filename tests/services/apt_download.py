"""Debian's package manager used without installing: own lists, own cache, any user."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.services.errors import Unavailable

# The simulation starts from an empty machine, so that it names the whole closure even where a part
# is installed. These prefixes are taken in any case: half an Erlang from each place cannot run.
ALWAYS_TAKEN = ("erlang-", "rabbitmq-", "redis")


def last_words(text: str) -> str:
    return " ".join(text.split())[-400:]


@dataclass(frozen=True)
class AptDownload:
    """apt-get on a private folder. Every method raises Unavailable with apt's last words."""

    folder: Path

    def prepare(self) -> None:
        for part in ("lists/partial", "cache/archives/partial", "packages"):
            (self.folder / part).mkdir(parents=True)
        self._config.write_text(
            f'Dir::State::lists "{self.folder}/lists";\n'
            f'Dir::Cache "{self.folder}/cache";\n'
            'APT::Sandbox::User "root";\n'  # the user _apt cannot write to a private folder
            'Acquire::Languages "none";\n'
            "#clear APT::Update::Post-Invoke;\n"  # the machine's hooks expect root
            "#clear APT::Update::Post-Invoke-Success;\n"
        )

    def update(self) -> str:
        """Fetch the lists and give apt's warnings: it counts lists it could not get as success."""
        return self._run("apt-get", "-c", self._config, "-qq", "update").stderr

    def closure(self, packages: Sequence[str]) -> list[str]:
        """`name=version` of all that is missing here to run `packages`."""
        simulated = self._run(
            *("apt-get", "-c", self._config, "-o", "Dir::State::status=/dev/null"),
            *("-s", "install", "--no-install-recommends", *packages),
        ).stdout
        installed = self._installed()
        wanted: list[str] = []
        for line in simulated.splitlines():
            words = line.split()
            if words[:1] != ["Inst"]:
                continue
            name, version = words[1], words[2].lstrip("(")
            if name.startswith(ALWAYS_TAKEN) or name not in installed:
                wanted.append(f"{name}={version}")
        return wanted

    def download(self, packages: Sequence[str]) -> list[Path]:
        archives = self.folder / "packages"
        self._run("apt-get", "-c", self._config, "-qq", "download", *packages, folder=archives)
        return sorted(archives.glob("*.deb"))

    def unpack(self, archive: Path, target: Path) -> None:
        self._run("dpkg", "-x", archive, target)

    @property
    def _config(self) -> Path:
        return self.folder / "apt.conf"

    def _installed(self) -> set[str]:
        listed = self._run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\\n").stdout
        return {line.split()[1] for line in listed.splitlines() if line.startswith("installed ")}

    def _run(
        self, *command: str | Path, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            words = last_words(done.stderr or done.stdout)
            raise Unavailable(f"`{command[0]}` ended with {done.returncode}: {words}")
        return done
