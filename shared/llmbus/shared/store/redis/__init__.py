"""The store on Redis 7.0 or newer (no later command is used). The only package that knows Redis."""

from __future__ import annotations

from llmbus.shared.store.redis.claims import RedisClaims
from llmbus.shared.store.redis.fleet import RedisFleet

__all__ = ["RedisStore"]


class RedisStore(RedisFleet, RedisClaims):
    """A `Store` that all processes with the same Redis and the same prefix share."""
