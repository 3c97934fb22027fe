"""A small client of RabbitMQ's management API: isolation and faults for tests."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from uuid import uuid4

import httpx2

from tests.support.waiting import eventually


@dataclass(frozen=True)
class Vhost:
    """A virtual host with a user of its own, both under one name."""

    name: str
    password: str

    def url(self, amqp_url: str) -> str:
        """The AMQP address of this vhost on the broker of `amqp_url`."""
        parts = urlsplit(amqp_url)
        address = parts.netloc.rpartition("@")[2]
        return urlunsplit(
            (parts.scheme, f"{self.name}:{self.password}@{address}", f"/{self.name}", "", "")
        )


@dataclass(frozen=True)
class QueueInfo:
    """What a queue was declared as; the API's counters lie seconds behind and are left out."""

    type: str
    arguments: dict[str, Any]


class RabbitApi:
    """`url` holds the login of an administrator: http://user:password@host:port."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._http = httpx2.AsyncClient(
            base_url=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}",
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

    async def create_vhost(self) -> Vhost:
        """A fresh vhost under a random name. Its own user makes its connections easy to find."""
        name = f"test-{uuid4().hex}"
        vhost = Vhost(name, secrets.token_hex(16))
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        await self.call("PUT", f"/api/vhosts/{name}")
        await self.call("PUT", f"/api/users/{name}", {"password": vhost.password, "tags": ""})
        await self.call("PUT", f"/api/permissions/{name}/{name}", everything)
        return vhost

    async def delete_vhost(self, vhost: Vhost) -> None:
        """Remove the vhost and its user, with all that is in it."""
        await self.call("DELETE", f"/api/vhosts/{vhost.name}")
        await self.call("DELETE", f"/api/users/{vhost.name}")

    async def connections(self, vhost: Vhost) -> frozenset[str]:
        """The names of the vhost's open connections, as of now.

        Asked by user: the lists by vhost come from statistics that lie seconds behind."""
        listed = await self.call("GET", f"/api/connections/username/{vhost.name}")
        return frozenset(connection["name"] for connection in listed.json())

    async def drop_connections(self, vhost: Vhost) -> None:
        """Close all connections that are open now, and return when the broker has forgotten them.

        New ones may be there by then: clients reconnect."""
        dropped = await self.connections(vhost)
        # Not one by one under their names: that answers 404 until statistics know the connection.
        await self.call("DELETE", f"/api/connections/username/{vhost.name}")

        async def all_are_gone() -> bool:
            return not dropped & await self.connections(vhost)

        await eventually(all_are_gone, "the broker forgets the connections that it closed")

    async def queue(self, vhost: Vhost, name: str) -> QueueInfo:
        found = (await self.call("GET", f"/api/queues/{vhost.name}/{quote(name, safe='')}")).json()
        return QueueInfo(found["type"], found["arguments"])

    async def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx2.Response:
        """One request; an answer that is no success raises."""
        response = await self._http.request(method, path, json=body)
        return response.raise_for_status()
