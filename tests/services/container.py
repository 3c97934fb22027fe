"""RabbitMQ and Redis in containers, where a container engine answers."""

import importlib
import os
import secrets
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.services.endpoints import Credentials, RabbitMQEndpoint, RedisEndpoint
from tests.services.errors import Unavailable
from tests.services.probes import rabbitmq_problem, redis_problem, wait_until_ready

RABBITMQ_IMAGE = "rabbitmq:4-management"
REDIS_IMAGE = "redis:7"
AMQP_PORT, API_PORT, REDIS_PORT = 5672, 15672, 6379
DOCKER_SOCKET = Path("/var/run/docker.sock")
ENGINE_TIMEOUT = 3
START_SECONDS = 180  # a first run pulls the image
READY_SECONDS = 60.0
CONF_FILE = "/etc/rabbitmq/conf.d/90-tests.conf"
CONF_LINES = ("disk_free_limit.absolute = 1MB", "collect_statistics_interval = 500")


def check_engine() -> None:
    """Raises Unavailable unless an engine answers: many machines have a client and no engine."""
    if not os.environ.get("DOCKER_HOST") and not DOCKER_SOCKET.exists():
        raise Unavailable(f"DOCKER_HOST is not set and {DOCKER_SOCKET} does not exist")
    try:
        client = importlib.import_module("docker").from_env(timeout=ENGINE_TIMEOUT)
        try:
            client.ping()
        finally:
            client.close()
    except Exception as error:
        raise Unavailable(f"no container engine answers: {error}") from error


@contextmanager
def rabbitmq_container(extra_conf: Sequence[str] = ()) -> Generator[RabbitMQEndpoint]:
    """Raises Unavailable without an engine, or if the container does not come up."""
    check_engine()
    login = Credentials(user="test", password=secrets.token_hex(12))
    conf = "\n".join([*CONF_LINES, *extra_conf, ""]).encode()
    container = (
        DockerContainer(RABBITMQ_IMAGE)
        .with_envs(RABBITMQ_DEFAULT_USER=login.user, RABBITMQ_DEFAULT_PASS=login.password)
        .with_exposed_ports(AMQP_PORT, API_PORT)
        .with_copy_into_container(conf, CONF_FILE)
        .waiting_for(_log_line("Server startup complete"))
    )
    with _started(container):
        user = f"{login.user}:{login.password}@{container.get_container_host_ip()}"
        endpoint = RabbitMQEndpoint(
            amqp_url=f"amqp://{user}:{container.get_exposed_port(AMQP_PORT)}/",
            api_url=f"http://{user}:{container.get_exposed_port(API_PORT)}",
        )
        wait_until_ready(
            lambda: rabbitmq_problem(endpoint),
            still_running=lambda: True,
            seconds=READY_SECONDS,
        )
        yield endpoint


@contextmanager
def redis_container() -> Generator[RedisEndpoint]:
    """Raises Unavailable without an engine, or if the container does not come up."""
    check_engine()
    container = (
        DockerContainer(REDIS_IMAGE)
        .with_exposed_ports(REDIS_PORT)
        .waiting_for(_log_line("Ready to accept connections"))
    )
    with _started(container):
        address = f"{container.get_container_host_ip()}:{container.get_exposed_port(REDIS_PORT)}"
        endpoint = RedisEndpoint(f"redis://{address}/0")
        wait_until_ready(
            lambda: redis_problem(endpoint), still_running=lambda: True, seconds=READY_SECONDS
        )
        yield endpoint


def _log_line(text: str) -> LogMessageWaitStrategy:
    return LogMessageWaitStrategy(text).with_startup_timeout(START_SECONDS)


@contextmanager
def _started(container: DockerContainer) -> Generator[None]:
    """The container, removed at the end; testcontainers' reaper removes it after a kill -9."""
    try:
        container.start()
    except Exception as error:
        container.stop()
        raise Unavailable(f"{container.image}: {error}") from error
    try:
        yield
    finally:
        container.stop()
