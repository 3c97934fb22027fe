"""The lists of models: GET /v1/models of all three vendors, and Gemini's /v1beta/models."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from aiohttp import web

from llmbus.worker.provider_simulator.behaviour import Vendor
from llmbus.worker.provider_simulator.rules import RulesOfModels

__all__ = ["model_list_routes"]

_SOME_TIME: Final = "2026-01-01T00:00:00Z"
_SOME_TIME_SECONDS: Final = 1_767_225_600


def model_list_routes(models: RulesOfModels) -> list[web.RouteDef]:
    """Those that the profiles name and that are alive."""

    async def of_whom_the_headers_tell(request: web.Request) -> web.Response:
        if "x-goog-api-key" in request.headers:
            return await of_gemini(request)
        if "anthropic-version" in request.headers:
            return _json(_anthropic(models.names(Vendor.ANTHROPIC)))
        return _json(_openai(models))

    async def of_gemini(_: web.Request) -> web.Response:
        return _json(_gemini(models.names(Vendor.GEMINI)))

    return [
        web.get("/v1/models", of_whom_the_headers_tell),
        web.get("/v1beta/models", of_gemini),
    ]


def _openai(models: RulesOfModels) -> dict[str, Any]:
    listed: list[dict[str, Any]] = []
    for name in models.names(Vendor.OPENAI):
        profile = models.served(Vendor.OPENAI, name)
        retires = profile.retires if profile else None
        listed.append(
            {
                "id": name,
                "object": "model",
                "created": _SOME_TIME_SECONDS,
                "owned_by": "openai",
                "shutdown_date": retires.isoformat() if retires else None,
            }
        )
    return {"object": "list", "data": listed}


def _anthropic(names: list[str]) -> dict[str, Any]:
    listed = [
        {"type": "model", "id": name, "display_name": name, "created_at": _SOME_TIME}
        for name in names
    ]
    return {"data": listed, "has_more": False, "first_id": names[0], "last_id": names[-1]}


def _gemini(names: list[str]) -> dict[str, Any]:
    methods = ["generateContent", "streamGenerateContent"]
    listed = [
        {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}
        for name in names
    ]
    return {"models": listed}


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
