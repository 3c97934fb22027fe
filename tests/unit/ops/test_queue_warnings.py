"""What `llmbus status` warns of, and what it says of unknown figures."""

from __future__ import annotations

import pytest

from llmbus.ops.queues import QueueKind, QueueStatus, note_of, warnings_of


def queue(kind: QueueKind, ready: int | None, consumers: int | None) -> QueueStatus:
    return QueueStatus(name=f"llmbus.{kind}", kind=kind, ready=ready, consumers=consumers)


@pytest.mark.parametrize(
    ("kind", "ready", "consumers", "warning"),
    [
        (QueueKind.FALLBACK, 2, 0, "2 tasks waiting for a fallback, and there is none"),
        (QueueKind.FALLBACK, 1, 0, "1 task waiting for a fallback, and there is none"),
        (QueueKind.FALLBACK, 2, 1, ""),
        (QueueKind.FALLBACK, 0, 0, ""),
        (QueueKind.PARKING, 1, 0, "1 message in parking"),
        (QueueKind.PARKING, 3, 1, "3 messages in parking"),
        (QueueKind.PARKING, 0, 0, ""),
        (QueueKind.PARKING, None, None, ""),
        (QueueKind.LANE, 9, 0, ""),
    ],
)
def test_what_goes_on_only_if_somebody_acts_is_told_in_one_line(
    kind: QueueKind, ready: int | None, consumers: int | None, warning: str
) -> None:
    told = warnings_of([queue(kind, ready, consumers)])
    assert [text.partition(":")[0] for text in told] == ([warning] if warning else [])


def test_queues_that_are_not_counted_yet_are_explained() -> None:
    counted, new = queue(QueueKind.LANE, 0, 0), queue(QueueKind.LANE, None, None)
    assert note_of([counted]) is None
    assert "ask again" in (note_of([counted, new]) or "")
