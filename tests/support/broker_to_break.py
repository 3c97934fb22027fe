"""A broker that a test may stop, alarm or kill."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tests.services import BrokerCannotBeRestarted, PrivateBroker, private_broker

__all__ = ["broker_to_break"]


@contextmanager
def broker_to_break() -> Generator[PrivateBroker]:
    """Of this test's own; the test is skipped, and says why, where none can be had."""
    try:
        with private_broker() as broker:
            yield broker
    except BrokerCannotBeRestarted as reason:
        pytest.skip(str(reason))
