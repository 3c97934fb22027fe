"""A RabbitMQ of a test's own, which it may stop, kill and start again."""

import os
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

from tests.services import debian, installation, native
from tests.services.binaries import RabbitMQBinaries
from tests.services.endpoints import AMQP_URL_VARIABLE
from tests.services.errors import BrokerCannotBeRestarted, NoWayWorked, StartFailed, Unavailable
from tests.services.rabbitmq_files import NOTHING_ADVANCED
from tests.services.rabbitmq_node import RabbitMQNode, running_node
from tests.services.ways import Way, enter_first_that_works


class PrivateBroker:
    """A broker that keeps its ports, user and data from one start to the next.

    All methods block; in a coroutine call them through `asyncio.to_thread`.
    """

    def __init__(self, node: RabbitMQNode) -> None:
        self._node = node
        self.amqp_url = node.endpoint.amqp_url
        self.api_url = node.endpoint.api_url

    def start(self) -> None:
        """Return when AMQP and the management API answer; at once if it runs. ~5 s."""
        self._node.start()

    def stop(self) -> None:
        """Shut down in order: clients are told, confirmed work is on disk. 1-6 s."""
        self._node.stop()

    def ctl(self, *arguments: str) -> str:
        """Run `rabbitmqctl`: what it prints. ~1 s."""
        return self._node.ctl(*arguments)

    def begin_alarm(self) -> None:
        """A real memory alarm: the broker believes that it may use none. Returns when it is on."""
        self.ctl("set_vm_memory_high_watermark", "0")

    def end_alarm(self) -> None:
        """Enough memory again."""
        self.ctl("set_vm_memory_high_watermark", "0.6")

    def kill9(self) -> None:
        """SIGKILL, as in a crash. At once."""
        self._node.kill_vm()

    def freeze(self) -> None:
        """SIGSTOP: it holds its connections and answers nothing. At once."""
        self._node.signal_vm(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT, after `freeze`."""
        self._node.signal_vm(signal.SIGCONT)

    def raise_memory_alarm(self) -> None:
        """From now on the broker reads nothing from connections that publish. 1-3 s."""
        self._node.control("set_vm_memory_high_watermark", "absolute", "1")

    def clear_memory_alarm(self) -> None:
        """Publishers go on. 1-3 s."""
        self._node.control("set_vm_memory_high_watermark", "0.4")


@contextmanager
def private_broker(
    *, extra_conf: Sequence[str] = (), advanced_config: str = NOTHING_ADVANCED
) -> Generator[PrivateBroker]:
    """A started broker, nothing of which is left at the end or when this process is killed.

        with private_broker() as broker:
            ...  # connect to broker.amqp_url
            broker.kill9()
            broker.start()  # same URL; durable queues and their persistent messages are back

    `extra_conf` are lines of rabbitmq.conf, `advanced_config` is the Erlang term of
    advanced.config, for what those lines cannot set. Raises BrokerCannotBeRestarted where only
    URLs or containers are available, StartFailed if a broker is there and does not start.
    """

    def node_of(find: Callable[[], RabbitMQBinaries]) -> AbstractContextManager[RabbitMQNode]:
        return running_node(find(), extra_conf=extra_conf, advanced_config=advanced_config)

    ways = [
        Way("native", lambda: node_of(native.rabbitmq_binaries)),
        Way("deb", lambda: node_of(_unpacked_binaries)),
    ]
    if installation.is_named():
        ways = [Way("installation", lambda: node_of(installation.rabbitmq_binaries))]
    with ExitStack() as stack:
        try:
            node = enter_first_that_works("a private RabbitMQ", ways, stack).service
        except NoWayWorked as reasons:
            if reasons.start_failed:  # a fault to be seen, not a reason to skip a test
                raise StartFailed(str(reasons)) from None
            raise BrokerCannotBeRestarted(str(reasons)) from None
        yield PrivateBroker(node)


def _unpacked_binaries() -> RabbitMQBinaries:
    """With URLs set a broker is there already: then only a tree of an earlier run is used."""
    if not os.environ.get(AMQP_URL_VARIABLE):
        return debian.rabbitmq_binaries()
    if tree := debian.existing_tree():
        return debian.rabbitmq_in(tree)
    raise Unavailable(f"{AMQP_URL_VARIABLE} is set, so nothing is downloaded")
