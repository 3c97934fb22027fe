"""`llmbus status` on a real broker, with the management API and without it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.settings import BusSettings
from llmbus.shared.store.interface import Store
from tests.contracts.store.entries import LONG, entry
from tests.integration.ops.command import llmbus
from tests.services.endpoints import API_URL_VARIABLE
from tests.support.services import service_url
from tests.support.waiting import Collected, eventually

OWN_LANE = "own-lane"
AGE = timedelta(minutes=100)
STATISTICS_COME_WITHIN_SECONDS = 40.0


@pytest.fixture
def slow_settings(bus_settings: BusSettings, key_prefix: str) -> BusSettings:
    """What waits for retry stays there for the test. Queues and keys have the same prefix."""
    return bus_settings.model_copy(
        update={"retry_delays_seconds": (60.0, 600.0), "prefix": key_prefix}
    )


@pytest.fixture
async def bus(slow_settings: BusSettings) -> AsyncIterator[Bus]:
    """Three tasks in a lane of our own, one taken of them, and two that wait for a retry."""
    layout = slow_settings.layout
    async with RabbitmqBus(slow_settings, name="test") as bus:
        await bus.declare(layout.for_tasks(["openai-gpt", OWN_LANE]) + layout.for_results("me"))
        for _ in range(3):
            await bus.publish(layout.tasks, OWN_LANE, _message())
        for delay in slow_settings.layout.ladder.steps:
            await bus.publish(layout.retry(delay), OWN_LANE, _message())
        taken = Collected()
        await bus.consume(layout.lane_queue(OWN_LANE), 1, taken)
        await taken.wait_for(1)
        yield bus


@pytest.fixture
def shell(slow_settings: BusSettings, redis_url: str, key_prefix: str) -> dict[str, str]:
    """The settings that make the command see what the fixture `bus` made."""
    return {
        "LLMBUS_AMQP_URL": slow_settings.amqp_url.get_secret_value(),
        "LLMBUS_RETRY_DELAYS_SECONDS": "60,600",
        "LLMBUS_REDIS_URL": redis_url,
        "LLMBUS_PREFIX": key_prefix,
    }


@pytest.fixture
def api_url() -> str:
    return service_url(API_URL_VARIABLE)


def _message() -> Message:
    return Message(b"{}", "agent.task.v1", "task-1", 4, timestamp=datetime.now(UTC) - AGE)


async def _report(shell: dict[str, str], **changes: str) -> dict[str, Any]:
    """The report, with its queues by their names without the prefix."""
    ended = await llmbus("status", "--json", **shell | changes)
    assert (ended.code, ended.err) == (0, "")
    report: dict[str, Any] = json.loads(ended.out)
    start = f"{shell['LLMBUS_PREFIX']}."
    report["queues"] = {queue["name"].removeprefix(start): queue for queue in report["queues"]}
    return report


async def _rows(shell: dict[str, str], *beginnings: str, **changes: str) -> list[list[str]]:
    """The words of those lines of the table that begin like this."""
    ended = await llmbus("status", **shell | changes)
    lines = (line.strip() for line in ended.out.splitlines())
    return [line.split() for line in lines if line.startswith(beginnings)]


@pytest.mark.usefixtures("bus")
async def test_the_management_api_tells_everything(shell: dict[str, str], api_url: str) -> None:
    lane = f"tasks.{OWN_LANE}"
    report: dict[str, Any] = {}

    async def statistics_are_there() -> bool:
        report.update(await _report(shell, LLMBUS_RABBITMQ_API_URL=api_url))
        found = report["queues"][lane]
        told = (found["ready"], found["unacked"], found["consumers"]) == (2, 1, 1)
        return told and report["note"] is None  # which says that some queue is not counted yet

    await eventually(
        statistics_are_there, "the statistics arrive", seconds=STATISTICS_COME_WITHIN_SECONDS
    )
    assert report["source"] == "management"
    queues = report["queues"]
    assert AGE.total_seconds() <= queues[lane]["oldest_age_seconds"] < AGE.total_seconds() + 120
    assert [queue["kind"] for queue in queues.values()] == (
        ["lane", "lane", "fallback", "parking", "results"] + ["retry"] * 6
    )
    name = queues[lane]["name"]
    assert await _rows(shell, name, LLMBUS_RABBITMQ_API_URL=api_url) == [
        [name, "2", "1", "1", "1h", "40m"]
    ]


@pytest.mark.usefixtures("bus")
async def test_without_the_api_a_passive_declare_tells_what_it_can(
    shell: dict[str, str], no_port: int
) -> None:
    nowhere = f"http://127.0.0.1:{no_port}"
    report = await _report(shell, LLMBUS_RABBITMQ_API_URL=nowhere)
    assert report["source"] == "passive"
    assert f"{nowhere} does not answer" in report["note"]
    assert list(report["queues"])[:4] == [
        "tasks.openai-gpt",
        "fallback",
        "parking",
        "retry.48000",
    ]
    waiting = report["queues"]["retry.60000"]
    assert (waiting["ready"], waiting["unacked"], waiting["oldest_age_seconds"]) == (1, None, None)
    row, note = await _rows(shell, "waiting", "unacked,", LLMBUS_RABBITMQ_API_URL=nowhere)
    assert row == ["waiting", "for", "retry", "2", "?", "0", "?"]
    assert nowhere in note


@pytest.mark.usefixtures("bus")
async def test_without_the_api_other_lanes_are_known_by_their_workers(
    shell: dict[str, str], store: Store, no_port: int
) -> None:
    await store.announce(entry("w-1", lanes=(OWN_LANE, "never-declared")), LONG)
    queues = (await _report(shell, LLMBUS_RABBITMQ_API_URL=f"http://127.0.0.1:{no_port}"))["queues"]
    assert "tasks.never-declared" not in queues
    found = queues[f"tasks.{OWN_LANE}"]
    assert (found["ready"], found["consumers"]) == (2, 1)


@pytest.mark.usefixtures("bus")
async def test_without_api_and_redis_the_known_lanes_are_shown(
    shell: dict[str, str], no_port: int
) -> None:
    nowhere = f"127.0.0.1:{no_port}"
    report = await _report(
        shell,
        LLMBUS_RABBITMQ_API_URL=f"http://{nowhere}",
        LLMBUS_REDIS_URL=f"redis://{nowhere}/0",
    )
    assert "tasks.openai-gpt" in report["queues"]
    assert f"tasks.{OWN_LANE}" not in report["queues"]


@pytest.mark.usefixtures("bus")
async def test_an_api_that_refuses_the_user_of_the_broker_is_named(
    shell: dict[str, str], api_url: str
) -> None:
    """The vhost's own user has no management tag, as in many a production broker."""
    parts = urlsplit(api_url)
    without_login = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    report = await _report(shell, LLMBUS_RABBITMQ_API_URL=without_login)
    assert report["source"] == "passive"
    assert f"{without_login} refuses this user" in report["note"]


async def test_an_empty_broker_says_so(shell: dict[str, str], api_url: str, no_port: int) -> None:
    for api in (api_url, f"http://127.0.0.1:{no_port}"):
        assert await _rows(shell, "no queues yet", LLMBUS_RABBITMQ_API_URL=api)


async def test_what_waits_for_a_fallback_that_nobody_runs_is_told(
    shell: dict[str, str], bus: Bus, slow_settings: BusSettings, no_port: int
) -> None:
    layout = slow_settings.layout
    nowhere = {"LLMBUS_RABBITMQ_API_URL": f"http://127.0.0.1:{no_port}"}
    assert (await _report(shell, **nowhere))["warnings"] == []
    await bus.publish(layout.dead, OWN_LANE, _message())
    await bus.publish(layout.unrouted, OWN_LANE, _message())
    fallback, parking = (await _report(shell, **nowhere))["warnings"]
    assert fallback.startswith("1 task waiting for a fallback")
    assert parking.startswith("1 message in parking")
    lines = await _rows(shell, "warning:", **nowhere)
    assert [" ".join(words) for words in lines] == [f"warning: {fallback}", f"warning: {parking}"]

    await bus.consume(layout.fallback_queue, 1, Collected())
    assert (await _report(shell, **nowhere))["warnings"] == [parking]
