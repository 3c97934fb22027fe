"""The probes of a worker process, asked as a supervisor asks them."""

from __future__ import annotations

from typing import Any, Self

import httpx2

from tests.services.ports import free_ports
from tests.support.waiting import eventually

__all__ = ["Probes"]


class Probes:
    """Where one worker answers; give it `environment`."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self._http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=30.0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    @property
    def environment(self) -> dict[str, str]:
        return {"LLMBUS_HEALTH_PORT": str(self.port), "LLMBUS_WATCHDOG_SECONDS": "0.2"}

    async def readiness(self) -> tuple[int, list[str]]:
        return await self._ask("/readyz")

    async def liveness(self) -> tuple[int, list[str]]:
        return await self._ask("/healthz")

    async def until_not_ready(self, *reasons: str) -> None:
        async def is_so() -> bool:
            return await self.readiness() == (503, list(reasons))

        await eventually(is_so, f"not ready: {reasons}", seconds=40.0)

    async def until_ready(self) -> None:
        async def is_so() -> bool:
            return await self.readiness() == (200, [])

        await eventually(is_so, "ready", seconds=40.0)

    async def _ask(self, path: str) -> tuple[int, list[str]]:
        answer = await self._http.get(path)
        body: dict[str, Any] = answer.json()
        return answer.status_code, body["reasons"]
