"""What the simulator was really sent, without the keys."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from llmbus.worker.provider_simulator.behaviour import Vendor

__all__ = ["Received", "fingerprint", "without_keys"]

_SECRET: Final = frozenset(
    {"authorization", "x-api-key", "x-goog-api-key", "api-key", "proxy-authorization", "cookie"}
)


def fingerprint(key: str) -> str:
    """Tells keys apart without showing them; empty for no key."""
    return sha256(key.encode(errors="surrogatepass")).hexdigest()[:12] if key else ""


def without_keys(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that hold no secret, their names in lower case."""
    return {name: value for name, value in headers.items() if name not in _SECRET}


class Received(msgspec.Struct, kw_only=True):
    """One call as it arrived, and how it was answered."""

    number: int
    """Counts from 1, in the order of arrival."""
    vendor: Vendor
    api: str
    """`messages`, `chat`, `responses` or `generate_content`."""
    path: str
    headers: Mapping[str, str]
    """Without those that carry keys."""
    key: str
    """Its `fingerprint`."""
    body: Any
    """The JSON, or the text if it was none."""
    status: int | None = None
    """What it was answered with; None as long as it was not, and for a broken connection."""
    refusal: str | None = None
    """Which rule of the service it broke."""
