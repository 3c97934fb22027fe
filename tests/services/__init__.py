"""A real RabbitMQ and a real Redis for tests and benchmarks.

On the command line: `python -m tests.services run -- CMD…`. In a test: `private_broker()`.
"""

from tests.services.errors import BrokerCannotBeRestarted
from tests.services.private import PrivateBroker, private_broker

__all__ = ["BrokerCannotBeRestarted", "PrivateBroker", "private_broker"]
