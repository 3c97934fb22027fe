"""A real RabbitMQ node as child processes: the Erlang VM and its epmd."""

import secrets
import signal
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple
from pathlib import Path

from tests.services.binaries import RabbitMQBinaries
from tests.services.endpoints import Credentials, RabbitMQEndpoint
from tests.services.errors import StartFailed
from tests.services.folders import data_folder
from tests.services.ports import free_ports, is_taken
from tests.services.probes import rabbitmq_problem, wait_until_ready
from tests.services.processes import Child, spawn
from tests.services.rabbitmq_files import NOTHING_ADVANCED, NodeLayout, NodePorts

READY_SECONDS = 90.0
GRACEFUL_STOP_SECONDS = 30.0
CONTROL_SECONDS = 60.0
OPEN_FILES = 65_536
START_TRIES = 3
LOG_LINES_IN_ERROR = 15


class RabbitMQNode:
    """One node that can be started, stopped and killed again and again on the same data."""

    def __init__(self, binaries: RabbitMQBinaries, layout: NodeLayout) -> None:
        self._binaries = binaries
        self._layout = layout
        self._vm: Child | None = None
        self._epmd: Child | None = None

    @property
    def endpoint(self) -> RabbitMQEndpoint:
        return self._layout.endpoint

    @property
    def vm_pid(self) -> int | None:
        """The process id of the Erlang VM while it runs."""
        return self._vm.pid if self._vm and self._vm.is_running() else None

    @property
    def _control_program(self) -> Path:
        return self._binaries.server.with_name("rabbitmqctl")

    def start(self) -> None:
        """Return when AMQP and the management API answer. Raises StartFailed and leaves nothing."""
        if self.vm_pid is not None:
            return
        self._layout.write()
        self._start_epmd()
        with self._layout.output.open("ab") as output:
            self._vm = vm = spawn(
                self._binaries.command(self._binaries.server),
                environment=self._layout.environment(self._binaries),
                folder=self._layout.folder,
                output=output,
                open_files=OPEN_FILES,
            )
        try:
            wait_until_ready(
                lambda: rabbitmq_problem(self.endpoint),
                still_running=vm.is_running,
                seconds=READY_SECONDS,
            )
        except BaseException as error:
            self.kill()
            if isinstance(error, StartFailed):
                raise StartFailed(f"RabbitMQ: {error}\n{self._why()}") from None
            raise

    def ctl(self, *arguments: str) -> str:
        """What `rabbitmqctl` prints. ~1 s. Raises StartFailed with its words."""
        done = subprocess.run(
            self._binaries.command(self._control_program, "--quiet", *arguments),
            env=self._layout.environment(self._binaries),
            cwd=self._layout.folder,
            capture_output=True,
            text=True,
            timeout=READY_SECONDS,
            check=False,
        )
        if done.returncode:
            raise StartFailed(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def stop(self) -> None:
        """Shut down in order, so that clients are told; killed if that takes too long."""
        if self._vm is None:
            return
        self._vm.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._vm.wait(GRACEFUL_STOP_SECONDS)
        self.kill_vm()

    def kill_vm(self) -> None:
        """SIGKILL to the VM, as in a crash. Its name service stays for the next start."""
        if self._vm is not None:
            self._vm.kill()

    def signal_vm(self, signum: int) -> None:
        """Nothing happens if the VM does not run."""
        if self._vm is not None and self._vm.is_running():
            self._vm.signal(signum)

    def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl`. Raises subprocess.CalledProcessError with its output."""
        subprocess.run(
            self._binaries.command(self._control_program, *arguments),
            env=self._layout.environment(self._binaries),
            cwd=self._layout.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=CONTROL_SECONDS,
        )

    def kill(self) -> None:
        """SIGKILL to all of it."""
        self.kill_vm()
        if self._epmd is not None:
            self._epmd.kill()

    def _start_epmd(self) -> None:
        """RabbitMQ would start its own, on all addresses, and leave it behind."""
        if self._epmd is not None and self._epmd.is_running():
            return
        environment = self._binaries.environment() | self._layout.epmd_environment()
        with (self._layout.folder / "log" / "epmd.txt").open("ab") as output:
            self._epmd = spawn(
                self._binaries.command(self._binaries.epmd, "-port", str(self._layout.ports.epmd)),
                environment=environment,
                folder=self._layout.folder,
                output=output,
            )

    def _why(self) -> str:
        """The first errors in the log name the cause; the last ones are supervisors giving up."""
        lines = self._layout.output.read_text(errors="replace").splitlines()
        errors = [line for line in lines if "[error]" in line]
        return "\n".join(errors[:LOG_LINES_IN_ERROR] or lines[-LOG_LINES_IN_ERROR:])


@contextmanager
def running_node(
    binaries: RabbitMQBinaries,
    *,
    extra_conf: Sequence[str] = (),
    advanced_config: str = NOTHING_ADVANCED,
) -> Generator[RabbitMQNode]:
    """A started node on free ports, killed at the end; its folder is removed.

    Tries again with other ports, because another process may take one before the node does.
    """
    with data_folder("rabbitmq") as folder:
        node = _start_on_free_ports(binaries, folder, extra_conf, advanced_config)
        try:
            yield node
        finally:
            node.kill()


def _start_on_free_ports(
    binaries: RabbitMQBinaries, folder: Path, extra_conf: Sequence[str], advanced_config: str
) -> RabbitMQNode:
    credentials = Credentials(user="test", password=secrets.token_hex(12))
    for tries_left in reversed(range(START_TRIES)):
        ports = NodePorts(*free_ports(4))
        layout = NodeLayout(
            folder / str(ports.amqp), ports, credentials, extra_conf, advanced_config
        )
        node = RabbitMQNode(binaries, layout)
        try:
            node.start()
        except StartFailed:
            # Only a lost port is worth another try; anything else fails the same way again.
            if not tries_left or not any(map(is_taken, astuple(ports))):
                raise
        else:
            return node
    raise AssertionError("unreachable")
