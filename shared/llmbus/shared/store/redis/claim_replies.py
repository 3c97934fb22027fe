"""What the scripts of `claim_scripts` answer, in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from llmbus.shared.store.claims import CancelRequested, Lost, RenewAnswer, Renewed, StoredResult

__all__ = ["RESULT_FIELDS", "Reply", "as_reason_and_time", "as_renewal", "as_result"]

Reply: TypeAlias = list[Any]
"""A word, then what belongs to it."""

RESULT_FIELDS: Final = ["body", "content_type", "submission", "succeeded"]
"""Of a result's key, in the order that `as_result` expects."""


def as_renewal(reply: Reply) -> RenewAnswer:
    """What one renewal came to."""
    match reply:
        case [b"renewed"]:
            return Renewed()
        case [b"cancel", why]:
            return CancelRequested(*as_reason_and_time(why))
        case _:
            return Lost()


def as_reason_and_time(noted: bytes) -> tuple[str, datetime]:
    """A cancellation, from how it is noted."""
    at_ms, _, reason = noted.decode().partition(" ")
    return reason, datetime.fromtimestamp(int(at_ms) / 1000, UTC)


def as_result(fields: list[Any]) -> StoredResult:
    """A result, from the fields of its key."""
    body, content_type, submission, succeeded = fields
    return StoredResult(
        body=body,
        content_type=content_type.decode(),
        submission=submission.decode(),
        succeeded=succeeded == b"1",
    )
