"""Which arguments a queue is declared with, over roles, queue types and broker versions."""

from datetime import timedelta

import pytest

from llmbus.shared.bus.rabbitmq.arguments import (
    Argument,
    ConcreteType,
    UnsettledLimits,
    concrete_type,
    queue_arguments,
)
from llmbus.shared.bus.rabbitmq.connection import Version
from llmbus.shared.errors import ConfigurationError
from llmbus.shared.settings import QueueType
from llmbus.shared.topology import Queue

LANE = Queue("llmbus.tasks.a", prioritised=True, dead_letter_exchange="llmbus.dead")
WAIT = Queue(
    "llmbus.retry.1000", dead_letter_exchange="llmbus.due", message_ttl=timedelta(seconds=1)
)
PARKING = Queue("llmbus.parking")
RESULTS = Queue("llmbus.results.o", expires=timedelta(days=7), replicable=False)
LONGEST_TASK = timedelta(hours=24)
TIMEOUT = 24 * 3_600_000 + 600_000

RABBIT_3_10: Version = (3, 10, 8)
RABBIT_3_12: Version = (3, 12, 0)
RABBIT_4_2: Version = (4, 2, 9)
RABBIT_4_3: Version = (4, 3, 0)

CLASSIC_LANE: dict[str, Argument] = {
    "x-queue-type": "classic",
    "x-dead-letter-exchange": "llmbus.dead",
    "x-max-priority": 10,
}
QUORUM_DEAD_LETTERING: dict[str, Argument] = {
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-delivery-limit": 20,
}


@pytest.mark.parametrize(
    ("queue", "queue_type", "version", "expected"),
    [
        pytest.param(LANE, "classic", RABBIT_3_10, CLASSIC_LANE, id="lane classic 3.10"),
        pytest.param(
            LANE,
            "classic",
            RABBIT_3_12,
            CLASSIC_LANE | {"x-consumer-timeout": TIMEOUT},
            id="lane classic 3.12",
        ),
        pytest.param(
            LANE,
            "classic",
            RABBIT_4_2,
            CLASSIC_LANE | {"x-consumer-timeout": TIMEOUT},
            id="lane classic 4.2",
        ),
        pytest.param(LANE, "classic", RABBIT_4_3, CLASSIC_LANE, id="lane classic 4.3 refuses it"),
        pytest.param(
            LANE,
            "quorum",
            RABBIT_4_3,
            {"x-queue-type": "quorum", "x-dead-letter-exchange": "llmbus.dead"}
            | QUORUM_DEAD_LETTERING
            | {"x-consumer-timeout": TIMEOUT},
            id="lane quorum 4.3",
        ),
        pytest.param(
            WAIT,
            "classic",
            RABBIT_4_2,
            {
                "x-queue-type": "classic",
                "x-dead-letter-exchange": "llmbus.due",
                "x-message-ttl": 1000,
            },
            id="wait classic has no consumer",
        ),
        pytest.param(
            WAIT,
            "quorum",
            RABBIT_4_3,
            {
                "x-queue-type": "quorum",
                "x-dead-letter-exchange": "llmbus.due",
                "x-message-ttl": 1000,
            }
            | QUORUM_DEAD_LETTERING,
            id="wait quorum",
        ),
        pytest.param(PARKING, "classic", RABBIT_4_3, {"x-queue-type": "classic"}, id="parking"),
        pytest.param(
            PARKING,
            "quorum",
            RABBIT_4_3,
            {"x-queue-type": "quorum", "x-delivery-limit": -1, "x-consumer-timeout": TIMEOUT},
            id="parking quorum drops nothing",
        ),
        pytest.param(
            RESULTS,
            "classic",
            RABBIT_4_2,
            {"x-queue-type": "classic", "x-expires": 7 * 24 * 3_600_000},
            id="results",
        ),
    ],
)
def test_arguments(
    queue: Queue, queue_type: ConcreteType, version: Version, expected: dict[str, Argument]
) -> None:
    assert queue_arguments(queue, queue_type, version, LONGEST_TASK) == expected


@pytest.mark.parametrize(
    ("queue", "wanted", "version", "expected"),
    [
        (LANE, QueueType.CLASSIC, RABBIT_3_10, "classic"),
        (LANE, QueueType.CLASSIC, RABBIT_4_3, "classic"),
        (LANE, QueueType.AUTO, RABBIT_3_10, "classic"),
        (LANE, QueueType.AUTO, RABBIT_4_2, "classic"),
        (LANE, QueueType.AUTO, RABBIT_4_3, "quorum"),
        (LANE, QueueType.QUORUM, RABBIT_4_3, "quorum"),
        (WAIT, QueueType.AUTO, RABBIT_4_2, "classic"),
        (RESULTS, QueueType.QUORUM, RABBIT_4_3, "classic"),
        (RESULTS, QueueType.QUORUM, RABBIT_3_10, "classic"),
        (RESULTS, QueueType.AUTO, RABBIT_4_3, "classic"),
    ],
)
def test_type(queue: Queue, wanted: QueueType, version: Version, expected: ConcreteType) -> None:
    assert concrete_type(queue, wanted, version) == expected


@pytest.mark.parametrize("version", [RABBIT_3_10, RABBIT_4_2])
def test_a_quorum_lane_is_refused_where_it_would_silently_ignore_priorities(
    version: Version,
) -> None:
    with pytest.raises(ConfigurationError, match=r"LLMBUS_QUEUE_TYPE=quorum needs RabbitMQ 4\.3"):
        concrete_type(LANE, QueueType.QUORUM, version)


@pytest.mark.parametrize(
    ("version", "expected"),
    [(RABBIT_3_10, timedelta(minutes=30)), (RABBIT_3_12, timedelta(hours=1, minutes=10))],
)
def test_node_or_queue_says_how_long_a_delivery_may_stay_unsettled(
    version: Version, expected: timedelta
) -> None:
    limits = UnsettledLimits(node=timedelta(minutes=30), longest_task=timedelta(hours=1))
    assert limits.of(version) == expected
