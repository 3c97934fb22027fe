"""The files and the environment that make a RabbitMQ node private to one folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.services.binaries import RabbitMQBinaries
from tests.services.endpoints import Credentials, RabbitMQEndpoint

HOST = "127.0.0.1"
NOTHING_ADVANCED = "[].\n"

# One scheduler spinning for work costs the other processes of a small machine a core.
IDLE_SCHEDULERS_SLEEP = "+sbwt none +sbwtdcpu none +sbwtdio none"
DISTRIBUTION_ON_LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"


@dataclass(frozen=True)
class NodePorts:
    amqp: int
    api: int
    distribution: int
    epmd: int


@dataclass(frozen=True)
class NodeLayout:
    """One node: its folder, ports, user, extra lines of rabbitmq.conf, and what they cannot say."""

    folder: Path
    ports: NodePorts
    credentials: Credentials
    extra_conf: Sequence[str] = ()
    advanced_config: str = NOTHING_ADVANCED

    @property
    def config(self) -> Path:
        return self.folder / "rabbitmq.conf"

    @property
    def output(self) -> Path:
        return self.folder / "log" / "output.txt"

    @property
    def endpoint(self) -> RabbitMQEndpoint:
        login = f"{self.credentials.user}:{self.credentials.password}@{HOST}"
        return RabbitMQEndpoint(
            amqp_url=f"amqp://{login}:{self.ports.amqp}/",
            api_url=f"http://{login}:{self.ports.api}",
        )

    def write(self) -> None:
        (self.folder / "log").mkdir(parents=True, exist_ok=True)
        self.config.write_text("\n".join([*self._settings(), *self.extra_conf, ""]))
        (self.folder / "advanced.config").write_text(self.advanced_config)
        (self.folder / "enabled_plugins").write_text("[rabbitmq_management].\n")

    def _settings(self) -> list[str]:
        return [
            f"listeners.tcp.1 = {HOST}:{self.ports.amqp}",
            f"management.tcp.ip = {HOST}",
            f"management.tcp.port = {self.ports.api}",
            f"default_user = {self.credentials.user}",
            f"default_pass = {self.credentials.password}",
            "default_user_tags.administrator = true",
            # Below the default of 50 MB every publisher blocks silently, and tests hang.
            "disk_free_limit.absolute = 1MB",
            # The API's queue depths would otherwise be up to 5 s old.
            "collect_statistics_interval = 500",
        ]

    def environment(self, binaries: RabbitMQBinaries) -> dict[str, str]:
        folder = str(self.folder)
        return {
            **binaries.environment(),
            "HOME": folder,  # the Erlang cookie goes there
            "RABBITMQ_NODENAME": f"t{self.ports.amqp}@localhost",  # the host's name may not resolve
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",  # else /etc/rabbitmq/rabbitmq-env.conf is read
            "RABBITMQ_CONFIG_FILE": str(self.config),
            "RABBITMQ_CONFIG_FILES": f"{folder}/conf.d",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_PID_FILE": f"{folder}/node.pid",
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                f"{IDLE_SCHEDULERS_SLEEP} {DISTRIBUTION_ON_LOOPBACK_ONLY}"
            ),
            "RUNNING_UNDER_SYSTEMD": "1",  # makes the start script `exec` the Erlang VM
            **self.epmd_environment(),
        }

    def epmd_environment(self) -> dict[str, str]:
        return {"ERL_EPMD_PORT": str(self.ports.epmd), "ERL_EPMD_ADDRESS": HOST}
