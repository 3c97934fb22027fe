"""Leaving a Redis as it was found."""

from typing import Any

import redis


def delete_keys(url: str, prefix: str) -> None:
    """Delete every key whose name begins with `prefix`."""
    client: Any = redis.Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]
    with client:
        if keys := list(client.scan_iter(match=f"{prefix}*", count=1000)):
            client.delete(*keys)
