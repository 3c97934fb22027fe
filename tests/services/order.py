"""Which ways there are for RabbitMQ and for Redis, and in which order."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from tests.services import apt_install, debian, installation, native
from tests.services.binaries import RabbitMQBinaries, RedisBinaries
from tests.services.container import rabbitmq_container, redis_container
from tests.services.endpoints import RabbitMQEndpoint, RedisEndpoint
from tests.services.given import given_rabbitmq, given_redis
from tests.services.rabbitmq_node import running_node
from tests.services.redis_server import running_redis
from tests.services.ways import Way

INSTALL_LINE = (
    "sudo apt-get install --no-install-recommends "
    f"{apt_install.RABBITMQ_PACKAGE} {apt_install.REDIS_PACKAGE}"
)


def rabbitmq_ways(extra_conf: Sequence[str] = ()) -> list[Way[RabbitMQEndpoint]]:
    """`extra_conf` are lines of rabbitmq.conf; a broker given by URL is left as it is."""

    @contextmanager
    def node_of(find: Callable[[], RabbitMQBinaries]) -> Generator[RabbitMQEndpoint]:
        with running_node(find(), extra_conf=extra_conf) as node:
            yield node.endpoint

    if installation.is_named():
        named = Way("installation", lambda: node_of(installation.rabbitmq_binaries))
        return [Way("given", given_rabbitmq), named]
    return [
        Way("given", given_rabbitmq),
        Way("container", lambda: rabbitmq_container(extra_conf)),
        Way("native", lambda: node_of(native.rabbitmq_binaries)),
        Way("deb", lambda: node_of(debian.rabbitmq_binaries)),
        Way("apt", lambda: node_of(apt_install.rabbitmq_binaries), changes_the_machine=True),
    ]


def redis_ways() -> list[Way[RedisEndpoint]]:
    @contextmanager
    def server_of(find: Callable[[], RedisBinaries]) -> Generator[RedisEndpoint]:
        with running_redis(find()) as endpoint:
            yield endpoint

    return [
        Way("given", given_redis),
        Way("container", redis_container),
        Way("native", lambda: server_of(native.redis_binaries)),
        Way("deb", lambda: server_of(debian.redis_binaries)),
        Way("apt", lambda: server_of(apt_install.redis_binaries), changes_the_machine=True),
    ]
