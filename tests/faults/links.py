"""Every way between a program of a run and a service, each through a link of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from tests.faults.link import Link

__all__ = ["Links", "Service"]


class Service(StrEnum):
    """What programs talk to."""

    BROKER = "broker"
    REDIS = "redis"
    PROVIDER = "provider"


class Links:
    """Links are made when first asked for, and closed together."""

    def __init__(self, urls: dict[Service, str]) -> None:
        """Where the services really are."""
        self._urls = urls
        self._links: dict[tuple[str, Service], Link] = {}
        self._making = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for link in self._links.values():
            await link.__aexit__()

    async def url(self, who: str, service: Service) -> str:
        """The address under which this program reaches the service."""
        target = urlsplit(self._urls[service])
        async with self._making:  # two commands of one operator ask at once
            link = self._links.get((who, service))
            if link is None:
                link = Link(target.hostname or "127.0.0.1", target.port or 0)
                await link.listen()
                self._links[who, service] = link
        login, at, _ = target.netloc.rpartition("@")
        return urlunsplit(target._replace(netloc=f"{login}{at}127.0.0.1:{link.port}"))

    def of(self, who: str, service: Service) -> Link:
        """The link of a program that was started."""
        return self._links[who, service]

    def to(self, service: Service) -> Iterable[Link]:
        """Everybody's links to that service."""
        return [link for (_, to), link in self._links.items() if to is service]
