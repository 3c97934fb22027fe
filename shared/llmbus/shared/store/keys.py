"""Every key in Redis: its name, its type and how long it lives.

| key                           | type       | lives                                             |
|-------------------------------|------------|---------------------------------------------------|
| `<prefix>:{fleet}:workers`    | sorted set | as long as the last of the entries it lists       |
| `<prefix>:{fleet}:worker:<id>`| hash       | the lifetime of the announcement: seconds         |

Every key expires, so whatever dies leaves nothing behind. What stands in braces makes a Redis
Cluster keep the keys that one script touches in one slot.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Keys"]


@dataclass(frozen=True)
class Keys:
    """The keys of one deployment. Two prefixes never meet."""

    prefix: str

    @property
    def workers(self) -> str:
        """Worker ids, scored by the moment they expire: milliseconds of the server's clock."""
        return f"{self.prefix}:{{fleet}}:workers"

    @property
    def worker_prefix(self) -> str:
        """What precedes a worker's id in the name of its key."""
        return f"{self.prefix}:{{fleet}}:worker:"

    def worker(self, worker_id: str) -> str:
        """The announcement of one worker, field by field, each as JSON."""
        return f"{self.worker_prefix}{worker_id}"
