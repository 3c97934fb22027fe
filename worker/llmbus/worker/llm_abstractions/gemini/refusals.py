"""What Google's APIs say along with an error, sorted into errors of ours. Needs no SDK: the words
are the same over HTTP (`error` in the body) and gRPC (`google.rpc.Status`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    ContextTooLongError,
    LlmError,
    OutcomeUnknownError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.http.statuses import error_type_of_status
from llmbus.worker.llm_abstractions.redaction import without_secrets

__all__ = ["Quota", "Refusal"]

_TOO_LONG: Final = re.compile(
    r"token count\b.*\bexceeds|exceeds the maximum number of tokens", re.I
)
_PER_DAY: Final = re.compile(r"per[ _]?day", re.I)


class Quota(msgspec.Struct, frozen=True):
    """One quota that a request would exceed (`google.rpc.QuotaFailure.Violation`)."""

    name: str = ""
    limit: str = ""

    @property
    def comes_back_soon(self) -> bool:
        """Not so for what is counted per day, nor for a limit of zero: no access at all."""
        return not _PER_DAY.search(self.name) and self.limit != "0"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that says no."""

    http_status: int | None
    status: str | None = None
    """Google's word, such as `RESOURCE_EXHAUSTED`."""
    message: str = ""
    reason: str | None = None
    """Of `google.rpc.ErrorInfo`, such as `API_KEY_INVALID`."""
    quotas: tuple[Quota, ...] = ()
    retry_after_seconds: float | None = None

    @classmethod
    def from_json(cls, http_status: int | None, body: Any) -> Refusal:
        """From the body of an HTTP answer, whatever it is: proxies send their own."""
        error = _mapping(_mapping(body).get("error")) or _mapping(body)
        details = [_mapping(detail) for detail in _sequence(error.get("details"))]
        return cls(
            http_status=http_status,
            status=_text(error.get("status")) or None,
            message=_text(error.get("message")),
            reason=next((_text(found["reason"]) for found in details if "reason" in found), None),
            quotas=tuple(_quotas(details)),
            retry_after_seconds=next(
                (_seconds(found["retryDelay"]) for found in details if "retryDelay" in found), None
            ),
        )

    def to_error(self, api_key: str) -> LlmError:
        """What the caller should do about it, as an error without the key."""
        words = " ".join(filter(None, (self.status, self.reason)))
        text = f"{self.http_status or ''} {words}: {self.message or 'no text'}".strip()
        return self._error_type()(
            without_secrets(text, api_key),
            status=self.http_status,
            provider_code=self.reason or self.status,
            retry_after_seconds=self.retry_after_seconds,
            sent=True,
        )

    def _error_type(self) -> type[LlmError]:
        if self.http_status is None:
            return OutcomeUnknownError
        if self.http_status == 400:
            return self._error_type_of_bad_request()
        if self.http_status == 429 and not all(quota.comes_back_soon for quota in self.quotas):
            return AccountError
        if self.http_status == 499:  # the call was cancelled, and not by us
            return OutcomeUnknownError
        return error_type_of_status(self.http_status)

    def _error_type_of_bad_request(self) -> type[LlmError]:
        """Google answers 400 also to a key that is wrong, and (FAILED_PRECONDITION) to one that
        needs billing or is used in a country without the service."""
        if (self.reason or "").startswith("API_KEY") or self.status == "FAILED_PRECONDITION":
            return AccountError
        if _TOO_LONG.search(self.message):
            return ContextTooLongError
        return RequestRejectedError


def _quotas(details: Sequence[Mapping[str, Any]]) -> list[Quota]:
    violations = [
        _mapping(violation)
        for detail in details
        for violation in _sequence(detail.get("violations"))
    ]
    return [
        Quota(
            name=_text(violation.get("quotaId")) or _text(violation.get("quotaMetric")),
            limit=_text(violation.get("quotaValue")),
        )
        for violation in violations
    ]


def _seconds(duration: Any) -> float | None:
    """Of a protobuf duration in JSON, such as `7s` or `1.5s`; None if it is something else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)s", _text(duration))
    return float(match[1]) if match else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _sequence(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
