"""`llmbus parking` on a real broker, as people and scripts run it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from llmbus.shared.agents import AgentType
from llmbus.shared.bus.interface import Bus
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.codec import MSGPACK
from llmbus.shared.settings import BusSettings
from tests.integration.ops.command import Ended, llmbus
from tests.support.parked import LANE, ORCHESTRATOR, a_result, a_task, park

EVIL = "\x1b[2J\x9b31m[bold]red\u202e"


class Operator:
    """Runs the command on the broker of the test."""

    def __init__(self, settings: BusSettings) -> None:
        self._url = settings.amqp_url.get_secret_value()

    async def __call__(self, *arguments: str) -> Ended:
        return await llmbus("parking", *arguments, LLMBUS_AMQP_URL=self._url)

    async def left(self) -> list[str]:
        """The task ids in parking."""
        listed = json.loads((await self("list", "--json")).out)
        return [message["task_id"] for message in listed["messages"]]


@pytest.fixture
def operator(bus_settings: BusSettings) -> Operator:
    return Operator(bus_settings)


@pytest.fixture
async def bus(bus_settings: BusSettings) -> AsyncIterator[Bus]:
    layout = bus_settings.layout
    async with RabbitmqBus(bus_settings, name="test") as bus:
        await bus.declare(layout.for_tasks([LANE]) + layout.for_results(ORCHESTRATOR))
        yield bus


@pytest.fixture
async def filled(bus: Bus, bus_settings: BusSettings) -> None:
    """An old task, a fresh result, and something of a bad sort."""
    layout = bus_settings.layout
    await park(bus, layout, a_task("old"), reason="poison", age=timedelta(hours=3))
    await park(bus, layout, a_result("answered"), "gone", reason="the results queue is gone")
    bad = replace(a_task(EVIL), body=EVIL.encode() + b"\xff")
    await park(bus, layout, bad, reason=EVIL + "x" * 1_000, stderr=EVIL)


@pytest.mark.usefixtures("filled")
async def test_list_for_people(operator: Operator) -> None:
    run = await operator("list")
    assert (run.code, run.err) == (0, "")
    assert "poison" in run.out
    assert "3h 0m" in run.out
    assert "[bold]red" in run.out
    assert "x" * 500 not in run.out
    assert all(char.isprintable() or char == "\n" for char in run.out)
    assert "3 of 3 messages in parking match" in run.out


@pytest.mark.usefixtures("filled")
async def test_list_for_programs(operator: Operator) -> None:
    run = await operator("list", "--json", "--limit", "1")
    assert run.out.rstrip("\n").isprintable()
    listed = json.loads(run.out)
    assert (listed["seen"], listed["matched"], len(listed["messages"])) == (3, 3, 1)
    assert {(group["kind"], group["count"]) for group in listed["groups"]} == {
        ("task", 1),
        ("result", 1),
        ("unreadable", 1),
    }
    assert set(listed["messages"][0]) == {
        "message_id",
        "task_id",
        "kind",
        "reason",
        "parked_at",
        "age_seconds",
        "agent",
        "agent_type",
        "routing_key",
        "priority",
        "attempts",
        "redrives",
        "origin",
        "size_bytes",
    }


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--reason", "RESULTS queue"), ["answered"]),
        (("--older-than", "2h"), ["old"]),
        (("--newer-than", "1h", "--task", "answered"), ["answered"]),
        (("--agent-type", "openai-gpt", "--reason", "poison"), ["old"]),
        (("--agent-type", "custom"), []),
    ],
)
async def test_list_narrowed(
    operator: Operator, options: tuple[str, ...], found: list[str]
) -> None:
    run = await operator("list", "--json", *options)
    assert run.code == 0
    assert [message["task_id"] for message in json.loads(run.out)["messages"]] == found


@pytest.mark.usefixtures("bus")
async def test_nothing_there_is_said_and_no_error(operator: Operator) -> None:
    assert (await operator("list")).out.startswith("parking is empty")
    for command in (("redrive", "--all"), ("discard", "--all", "--yes")):
        run = await operator(*command)
        assert (run.code, run.out) == (0, "nothing matched\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--older-than", "soon"), "is no duration"),
        (("list", "--agent-type", "parrot"), "parrot"),
        (("list", "--older-than", "2h", "--newer-than", "1h"), "nothing is older"),
        (("redrive",), "--all"),
        (("redrive", "--all", "--to", "a lane"), "cannot be part"),
        (("redrive", "--all", "--rate", "-1"), "greater than"),
        (("discard", "--yes"), "--all"),
        (("discard", "--all"), "--yes"),
    ],
)
async def test_a_wrong_command_line_asks_no_broker(
    operator: Operator, arguments: tuple[str, ...], said: str
) -> None:
    run = await operator(*arguments)
    assert run.code == 2
    assert said in " ".join(run.err.replace("│", " ").split())
    assert run.out == ""


@pytest.mark.usefixtures("bus")
@pytest.mark.parametrize("command", [("show",), ("redrive",), ("discard", "--yes")])
async def test_a_name_of_nothing_is_wrong_input(operator: Operator, command: tuple[str]) -> None:
    run = await operator(*command, "nobody")
    assert run.code == 65
    assert "nothing in parking has the id 'nobody'" in run.err
    assert "Traceback" not in run.err


@pytest.mark.usefixtures("filled")
async def test_show_tells_all_and_steers_no_terminal(operator: Operator) -> None:
    shown = await operator("show", "old")
    assert (shown.code, shown.err) == (0, "")
    for part in ("reason: poison", "llmbus-first-at", '"title": "Title of old"'):
        assert part in shown.out
    bad = await operator("show", EVIL)
    assert "\\xff" in bad.out
    assert "stderr, its end" in bad.out
    assert all(char.isprintable() or char == "\n" for char in bad.out)


async def test_show_decodes_messagepack_and_writes_raw_bytes(
    bus: Bus, bus_settings: BusSettings, operator: Operator, tmp_path: Path
) -> None:
    body = msgspec.msgpack.encode({"title": "Packed"})
    packed = replace(a_task(), body=body, content_type=MSGPACK)
    await park(bus, bus_settings.layout, packed)
    assert '"title": "Packed"' in (await operator("show", "t1")).out
    await operator("show", "t1", "--raw", str(tmp_path / "body"))
    assert (tmp_path / "body").read_bytes() == body
    record = json.loads((await operator("show", "t1", "--json")).out)
    assert (record["task_id"], record["content_type"]) == ("t1", MSGPACK)
    failed = await operator("show", "t1", "--raw", str(tmp_path))
    assert failed.code == 78
    assert await operator.left() == ["t1"]


@pytest.mark.usefixtures("filled")
async def test_redrive_says_what_it_did_and_what_stays(
    operator: Operator, bus_settings: BusSettings
) -> None:
    lane = bus_settings.layout.lane_queue(LANE)
    dry = await operator("redrive", "--all", "--dry-run")
    assert dry.code == 1
    assert f"1 would be sent to {lane}" in dry.out
    assert len(await operator.left()) == 3

    run = await operator("redrive", "--all")
    assert run.code == 1
    assert f"1 sent to {lane}" in run.out
    assert "1 stays in parking: there is no queue 'llmbus.results.gone'" in run.out
    assert "1 passed over" in run.out
    assert await operator.left() == ["answered", EVIL]


async def test_redrive_of_some_leaves_the_others(
    bus: Bus, bus_settings: BusSettings, operator: Operator
) -> None:
    for task_id, agent_type in (("a", AgentType.OPENAI_GPT), ("b", AgentType.CUSTOM)):
        await park(bus, bus_settings.layout, a_task(task_id, agent_type))
    run = await operator("redrive", "--agent-type", "custom", "--rate", "0")
    assert (run.code, run.err) == (0, "")
    assert await operator.left() == ["a"]
    assert (await operator("redrive", "a")).code == 0
    assert await operator.left() == []


@pytest.mark.usefixtures("filled")
async def test_discard_keeps_what_it_takes_away(operator: Operator, tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    dry = await operator("discard", "--reason", "poison", "--dry-run")
    assert "1 would be discarded" in dry.out
    run = await operator("discard", "--reason", "poison", "--yes", "--keep", str(kept))
    assert (run.code, run.err) == (0, "")
    assert f"1 discarded, kept in {kept}" in run.out
    assert json.loads(kept.read_text())["task_id"] == "old"
    assert await operator.left() == ["answered", EVIL]


@pytest.mark.usefixtures("filled")
async def test_discard_that_cannot_keep_discards_nothing(operator: Operator) -> None:
    run = await operator("discard", "--all", "--yes", "--keep", "/dev/full")
    assert run.code == 78
    assert "0 discarded" in run.out
    assert len(await operator.left()) == 3
