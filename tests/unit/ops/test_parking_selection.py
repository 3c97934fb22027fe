"""Which messages a filter means."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from llmbus.ops.parking.message import Kind, ParkedMessage
from llmbus.ops.parking.selection import ParkingFilter, duration
from llmbus.shared.errors import InvalidInputError

HOUR = timedelta(hours=1)


def parked(**fields: Any) -> ParkedMessage:
    values: dict[str, Any] = {
        "message_id": "m1",
        "task_id": "t1",
        "kind": Kind.TASK,
        "reason": "The results queue is gone",
        "parked_at": None,
        "age_seconds": 3600.0,
        "agent": "gpt-4",
        "agent_type": "openai-gpt",
        "routing_key": "openai-gpt",
        "priority": 4,
        "attempts": 1,
        "redrives": 0,
        "origin": "",
        "size_bytes": 2,
    }
    return ParkedMessage(**(values | fields))


@pytest.mark.parametrize(
    "wanted",
    [
        ParkingFilter(),
        ParkingFilter(reason="results QUEUE"),
        ParkingFilter(agent_type="openai-gpt"),
        ParkingFilter(task_id="t1"),
        ParkingFilter(message_ids=frozenset({"m1", "m2"})),
        ParkingFilter(older_than=HOUR),
        ParkingFilter(newer_than=2 * HOUR, older_than=HOUR / 2, reason="gone"),
    ],
)
def test_what_matches(wanted: ParkingFilter) -> None:
    assert wanted.matches(parked())


@pytest.mark.parametrize(
    "wanted",
    [
        ParkingFilter(reason="unreadable"),
        ParkingFilter(agent_type="custom"),
        ParkingFilter(task_id="t"),
        ParkingFilter(message_ids=frozenset()),
        ParkingFilter(older_than=2 * HOUR),
        ParkingFilter(newer_than=HOUR),
        ParkingFilter(reason="gone", agent_type="custom"),
    ],
)
def test_what_does_not(wanted: ParkingFilter) -> None:
    assert not wanted.matches(parked())
    assert not wanted.is_empty


def test_unknown_age_is_neither_old_nor_new() -> None:
    ageless = parked(age_seconds=None)
    assert ParkingFilter().matches(ageless)
    assert not ParkingFilter(older_than=timedelta(0)).matches(ageless)
    assert not ParkingFilter(newer_than=HOUR).matches(ageless)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("1.5h", timedelta(minutes=90)),
        ("1d12h", timedelta(hours=36)),
        ("0s", timedelta(0)),
    ],
)
def test_durations(text: str, meant: timedelta) -> None:
    assert duration(text) == meant


@pytest.mark.parametrize("text", ["", "2", "h", "-1h", "2 h", "2w", "1h x", "9" * 400 + "d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        duration(text)
