"""What an operator does to a broker, where `tests.support.rabbit_api` does not reach."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

import httpx2

from tests.support.rabbit_api import Vhost


class Administration:
    """The management API, for one vhost."""

    def __init__(self, api_url: str, vhost: Vhost) -> None:
        parts = urlsplit(api_url)
        self._vhost = vhost
        self._http = httpx2.AsyncClient(
            base_url=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            auth=(unquote(parts.username or "guest"), unquote(parts.password or "guest")),
            timeout=30.0,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def permit(self, *, configure: str, write: str, read: str) -> None:
        """What the vhost's user may do, as regular expressions of names."""
        name = self._vhost.name
        await self._put(
            f"/api/permissions/{name}/{name}",
            {"configure": configure, "write": write, "read": read},
        )

    async def forbid_everything(self) -> None:
        """Take the vhost's user's right to open it."""
        name = self._vhost.name
        (await self._http.delete(f"/api/permissions/{name}/{name}")).raise_for_status()

    async def allow_connections(self, count: int) -> None:
        await self._put(f"/api/vhost-limits/{self._vhost.name}/max-connections", {"value": count})

    async def set_policy(self, pattern: str, definition: Mapping[str, Any]) -> None:
        await self._put(
            f"/api/policies/{self._vhost.name}/test",
            {"pattern": pattern, "definition": definition, "apply-to": "queues"},
        )

    async def default_queue_type(self, queue_type: str) -> None:
        await self._put(f"/api/vhosts/{self._vhost.name}", {"default_queue_type": queue_type})

    async def delete_queue(self, name: str) -> None:
        answer = await self._http.delete(f"/api/queues/{self._vhost.name}/{quote(name, safe='')}")
        answer.raise_for_status()

    async def _put(self, path: str, body: Mapping[str, Any]) -> None:
        (await self._http.put(path, json=body)).raise_for_status()
