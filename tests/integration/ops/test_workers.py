"""`llmbus workers` and `llmbus health` on a real Redis."""

from __future__ import annotations

import json
import re
import socket
from datetime import timedelta

import pytest

from llmbus.shared.store.interface import Store
from tests.contracts.store.entries import LONG, SHORT, entry
from tests.integration.ops.command import llmbus
from tests.support.waiting import eventually


@pytest.fixture
def redis_settings(redis_url: str, key_prefix: str) -> dict[str, str]:
    return {"LLMBUS_REDIS_URL": redis_url, "LLMBUS_PREFIX": key_prefix}


async def test_the_table_shows_what_each_worker_announced(
    store: Store, redis_settings: dict[str, str]
) -> None:
    await store.announce(entry("worker-of-a-very-long-name-" + "x" * 80, draining=True), LONG)
    await store.announce(entry("w-2", agent_types=(), models=(), direct_path=False), LONG)
    ended = await llmbus("workers", **redis_settings)
    assert (ended.code, ended.err) == (0, "")
    first, second = [line for line in ended.out.splitlines() if "node-7" in line]
    assert "w-2" in first
    assert "working" in first
    assert re.search(r"3/16 +off  ", first)
    assert re.search(r"3/16 +on  ", second)
    for shown in (
        "worker-of-a-very-long-name-" + "x" * 80,
        "anthropic-claude, openai-gpt",
        "gpt-6, gpt-6-mini",
        "3/16",
        "draining",
    ):
        assert shown in second
    assert re.search(r"  \d+s  ", second)


async def test_json_has_every_field_under_its_documented_name(
    store: Store, redis_settings: dict[str, str]
) -> None:
    await store.announce(entry("w-1"), LONG)
    ended = await llmbus("workers", "--json", **redis_settings)
    (worker,) = json.loads(ended.out)["workers"]
    assert 0 <= worker.pop("heartbeat_age_seconds") < LONG.total_seconds()
    assert worker == {
        "worker_id": "w-1",
        "host": "node-7",
        "pid": 4711,
        "version": "0.1.0",
        "started_at": "2026-11-22T09:30:00.250000Z",
        "lanes": ["anthropic-claude", "openai-gpt"],
        "agent_types": ["openai-gpt"],
        "models": ["gpt-6", "gpt-6-mini"],
        "capabilities": ["code", "research"],
        "slots_used": 3,
        "slots_total": 16,
        "draining": False,
        "not_ready": [],
        "direct_path": True,
    }


async def test_a_worker_that_fell_silent_is_not_listed(
    store: Store, redis_settings: dict[str, str]
) -> None:
    await store.announce(entry("silent"), SHORT)

    async def nobody_is_listed() -> bool:
        ended = await llmbus("workers", "--json", **redis_settings)
        return ended.out == '{"workers":[]}\n'

    await eventually(nobody_is_listed, "the silent worker leaves the list")
    ended = await llmbus("workers", **redis_settings)
    assert "no live workers" in ended.out


async def test_health_looks_for_a_worker_on_this_host(
    store: Store, redis_settings: dict[str, str]
) -> None:
    await store.announce(entry("elsewhere"), LONG)
    ended = await llmbus("health", **redis_settings)
    assert (ended.code, ended.err) == (1, "")
    assert "unhealthy" in ended.out
    await store.announce(entry("here", host=socket.gethostname()), timedelta(minutes=1))
    ended = await llmbus("health", **redis_settings)
    assert (ended.code, ended.out) == (0, "healthy: here\n")


async def test_health_does_not_condemn_workers_when_redis_is_away(no_port: int) -> None:
    ended = await llmbus("health", LLMBUS_REDIS_URL=f"redis://:s3cret-word@127.0.0.1:{no_port}/0")
    assert ended.code == 0
    assert ended.out.startswith("unknown, taken as healthy")
    assert "s3cret-word" not in ended.out + ended.err
