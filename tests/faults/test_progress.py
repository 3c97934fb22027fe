"""Where things stand is read out of the history alone."""

from __future__ import annotations

from tests.faults.chronicle import chronicle
from tests.faults.history import Fact
from tests.faults.progress import all_tasks_ended


def test_a_task_that_will_be_submitted_again_has_not_ended() -> None:
    refused = (Fact.REFUSED, "orchestrator", "t1", {"note": "BrokerUnreachableError"})
    assert not all_tasks_ended(chronicle(refused), {"t1"})


def test_a_task_that_is_refused_for_good_has_ended() -> None:
    refused = (Fact.REFUSED, "orchestrator", "t1", {"number": 1, "note": "UnroutableError: gone"})
    assert all_tasks_ended(chronicle(refused), {"t1"})


def test_every_raw_message_is_waited_for() -> None:
    sent = (Fact.SENT_RAW, "", "raw", {"note": "duplicate"})
    given = (Fact.GIVEN, "orchestrator", "t1")
    assert not all_tasks_ended(chronicle(sent, given), {"t1"})
    assert all_tasks_ended(chronicle(sent, given, (Fact.PARK_CONFIRMED, "w1", "raw")), {"t1"})
