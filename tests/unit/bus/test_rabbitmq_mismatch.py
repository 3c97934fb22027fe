"""Reading the broker's complaints, and telling what is tolerable from what is not."""

from datetime import timedelta

import pytest

from llmbus.shared.bus.rabbitmq.arguments import Argument
from llmbus.shared.bus.rabbitmq.mismatch import Difference, breaks_a_promise
from llmbus.shared.topology import Queue

LANE = Queue("q", prioritised=True, dead_letter_exchange="dead")
WAIT = Queue("q", dead_letter_exchange="due", message_ttl=timedelta(seconds=1))
PARKING = Queue("q")
RESULTS = Queue("q", expires=timedelta(days=7), replicable=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "received none but current is the value '10' of type 'long'",
            Difference("x-max-priority", found=10, wanted=None),
        ),
        (
            "received the value '10' of type 'signedint' but current is none",
            Difference("x-max-priority", found=None, wanted=10),
        ),
        (
            "received the value 'a b' of type 'longstr' but current is the value '7' of type"
            " 'longstr'",
            Difference("x-max-priority", found="7", wanted="a b"),
        ),
        ("received 'true' but current is 'false'", Difference("x-max-priority", "false", "true")),
        (
            "received the value '-1' of type 'signedint' but current is the value '20' of type"
            " 'long'",
            Difference("x-max-priority", found=20, wanted=-1),
        ),
    ],
)
def test_the_broker_names_the_difference(text: str, expected: Difference) -> None:
    complaint = (
        "PRECONDITION_FAILED - inequivalent arg 'x-max-priority' for queue 'llmbus.tasks.a' in"
        f" vhost '/': {text}"
    )
    assert Difference.from_text(complaint) == expected


def test_another_complaint_is_no_difference() -> None:
    assert Difference.from_text("PRECONDITION_FAILED - invalid arg 'x-max-priority'") is None


@pytest.mark.parametrize(
    ("queue", "argument", "found", "expected"),
    [
        (LANE, "x-max-priority", None, True),
        (LANE, "x-max-priority", 5, True),
        (LANE, "x-max-priority", 9, False),
        (LANE, "x-max-priority", 255, False),
        (PARKING, "x-max-priority", 10, False),
        (LANE, "x-message-ttl", 1000, True),
        (WAIT, "x-message-ttl", 2000, True),
        (WAIT, "x-dead-letter-exchange", None, True),
        (LANE, "x-dead-letter-exchange", "elsewhere", True),
        (WAIT, "x-dead-letter-routing-key", "fixed", True),
        (LANE, "durable", "false", True),
        (LANE, "exclusive", "true", True),
        (LANE, "auto_delete", "true", True),
        (LANE, "x-expires", 1000, True),
        (RESULTS, "x-expires", 1000, False),
        (LANE, "x-max-length", 10, False),
        (PARKING, "x-max-length", 10, True),
        (RESULTS, "x-max-length", 10, False),
        (LANE, "x-consumer-timeout", None, False),
        (LANE, "x-delivery-limit", 5, False),
        (LANE, "x-dead-letter-strategy", None, False),
        (LANE, "x-overflow", "drop-head", False),
        (LANE, "something-of-tomorrow", 1, True),
    ],
)
def test_what_breaks_a_promise(
    queue: Queue, argument: str, found: Argument | None, expected: bool
) -> None:
    assert breaks_a_promise(Difference(argument, found, wanted=None), queue) is expected
