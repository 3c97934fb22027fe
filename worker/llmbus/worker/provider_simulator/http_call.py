"""From an HTTP request to the call that a dialect reads."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from llmbus.worker.provider_simulator.dialect import Call

__all__ = ["call_of"]


async def call_of(request: web.Request) -> Call:
    """The whole request. Raises aiohttp's `HTTPRequestEntityTooLarge`."""
    return Call(
        path=request.path,
        headers={name.lower(): value for name, value in request.headers.items()},
        query=dict(request.query),
        model_in_path=request.match_info.get("model", ""),
        method_in_path=request.match_info.get("method", ""),
        body=await _json_body(request),
    )


async def _json_body(request: web.Request) -> Any:
    """The JSON, or the text if it is none."""
    raw = await request.read()
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return raw.decode(errors="replace")
