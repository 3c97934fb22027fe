"""What an operator does to a broker, where `tests.support.rabbit_api` does not reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.support.rabbit_api import RabbitApi, Vhost


class Administration:
    """The management API, for one vhost."""

    def __init__(self, api: RabbitApi, vhost: Vhost) -> None:
        self._api = api
        self._vhost = vhost

    async def permit(self, *, configure: str, write: str, read: str) -> None:
        """What the vhost's user may do, as regular expressions of names."""
        name = self._vhost.name
        await self._api.call(
            "PUT",
            f"/api/permissions/{name}/{name}",
            {"configure": configure, "write": write, "read": read},
        )

    async def forbid_everything(self) -> None:
        """Take the vhost's user's right to open it."""
        name = self._vhost.name
        await self._api.call("DELETE", f"/api/permissions/{name}/{name}")

    async def allow_connections(self, count: int) -> None:
        await self._api.call(
            "PUT", f"/api/vhost-limits/{self._vhost.name}/max-connections", {"value": count}
        )

    async def set_policy(self, pattern: str, definition: Mapping[str, Any]) -> None:
        await self._api.call(
            "PUT",
            f"/api/policies/{self._vhost.name}/test",
            {"pattern": pattern, "definition": definition, "apply-to": "queues"},
        )

    async def default_queue_type(self, queue_type: str) -> None:
        await self._api.call(
            "PUT", f"/api/vhosts/{self._vhost.name}", {"default_queue_type": queue_type}
        )

    async def delete_queue(self, name: str) -> None:
        await self._api.call("DELETE", f"/api/queues/{self._vhost.name}/{quote(name, safe='')}")
