"""Brokers that take back after two seconds what they take back after half an hour elsewhere."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from tests.services import private_broker
from tests.services.endpoints import AMQP_URL_VARIABLE, API_URL_VARIABLE, RabbitMQEndpoint

__all__ = ["GIVEN_VARIABLE", "TIMEOUT_SECONDS", "impatient_broker"]

TIMEOUT_SECONDS: Final = 2.0
GIVEN_VARIABLE: Final = "TEST_IMPATIENT"
"""Set where the broker that was given by URL is one: with `consumer_timeout = 2000` in its
rabbitmq.conf, and in its advanced.config what stands in `_LOOKS_OFTEN`."""

_LOOKS_OFTEN: Final = "[{rabbit, [{channel_tick_interval, 300}, {quorum_tick_interval, 300}]}].\n"
"""Once a minute would do outside of tests."""


@contextmanager
def impatient_broker() -> Generator[RabbitMQEndpoint]:
    """The given one, or one of our own. BrokerCannotBeRestarted where there is neither."""
    if os.environ.get(GIVEN_VARIABLE):
        yield RabbitMQEndpoint(os.environ[AMQP_URL_VARIABLE], os.environ[API_URL_VARIABLE])
        return
    timeout = f"consumer_timeout = {round(TIMEOUT_SECONDS * 1000)}"
    with private_broker(extra_conf=[timeout], advanced_config=_LOOKS_OFTEN) as broker:
        yield RabbitMQEndpoint(broker.amqp_url, broker.api_url)
