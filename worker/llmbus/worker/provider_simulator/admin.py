"""Steering and looking back over HTTP, for programs in other processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec
from aiohttp import web

from llmbus.shared.errors import InvalidInputError
from llmbus.worker.provider_simulator.behaviour import Behaviour, behaviours_from_json
from llmbus.worker.provider_simulator.received import Received

__all__ = ["admin_routes"]


class Administrable(Protocol):
    """What the calls below need of a simulator."""

    @property
    def received(self) -> Iterable[Received]: ...

    def script(self, *behaviours: Behaviour) -> None: ...

    def forget(self) -> None: ...


def admin_routes(simulator: Administrable) -> list[web.RouteDef]:
    """`POST /admin/script`: a behaviour or a list of them; `GET /admin/received`: all calls,
    oldest first; `DELETE /admin`: forget both."""

    async def script(request: web.Request) -> web.Response:
        try:
            behaviours = behaviours_from_json(await request.read())
        except InvalidInputError as error:
            return _json({"error": str(error)}, status=400)
        simulator.script(*behaviours)
        return _json({"scripted": len(behaviours)})

    async def received(_: web.Request) -> web.Response:
        return _json(list(simulator.received))

    async def forget(_: web.Request) -> web.Response:
        simulator.forget()
        return web.Response(status=204)

    return [
        web.post("/admin/script", script),
        web.get("/admin/received", received),
        web.delete("/admin", forget),
    ]


def _json(value: object, status: int = 200) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, content_type="application/json")
