"""What is discarded is gone, and was on the disk before."""

from __future__ import annotations

import base64
import json
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from llmbus.ops.parking.discard import DiscardedFile, discard
from llmbus.ops.parking.selection import ParkingFilter
from llmbus.ops.parking.survey import Parking
from llmbus.shared.bus.interface import Bus
from llmbus.shared.errors import ConfigurationError
from llmbus.shared.topology import Layout
from tests.support.parked import LANE, a_task, park

EVERYTHING = ParkingFilter()


async def discarded(parking: Parking, wanted: ParkingFilter, path: Path) -> int:
    with DiscardedFile(path) as kept:
        async with aclosing(discard(parking, wanted, kept)) as messages:
            return len([message async for message in messages])


async def test_what_matches_is_gone_and_kept_wholly(
    bus: Bus, parking: Parking, layout: Layout, tmp_path: Path
) -> None:
    text = await park(bus, layout, a_task("text"), reason="old")
    raw = await park(bus, layout, replace(a_task("raw"), body=b"\xff\x00"), reason="old")
    await park(bus, layout, a_task("stays"))
    kept = tmp_path / "discarded.jsonl"

    assert await discarded(parking, ParkingFilter(reason="old"), kept) == 2

    assert [row.task_id for row in (await parking.survey(EVERYTHING, 9)).rows] == ["stays"]
    first, second = (json.loads(line) for line in kept.read_text().splitlines())
    assert first["body"].encode() == text.body
    assert base64.b64decode(second["body_base64"]) == raw.body
    assert first["headers"] == text.headers
    assert (first["task_id"], first["routing_key"], first["priority"]) == ("text", LANE, 4)


async def test_file_only_grows_and_mends_a_torn_line(
    bus: Bus, parking: Parking, layout: Layout, tmp_path: Path
) -> None:
    kept = tmp_path / "discarded.jsonl"
    kept.write_text('{"torn')
    for task_id in ("t1", "t2"):
        await park(bus, layout, a_task(task_id))
        assert await discarded(parking, EVERYTHING, kept) == 1
    torn, *lines = kept.read_text().splitlines()
    assert torn == '{"torn'
    assert [json.loads(line)["task_id"] for line in lines] == ["t1", "t2"]


async def test_only_its_owner_reads_the_file(
    bus: Bus, parking: Parking, layout: Layout, tmp_path: Path
) -> None:
    await park(bus, layout, a_task())
    await discarded(parking, EVERYTHING, tmp_path / "kept")
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


async def test_what_cannot_be_kept_stays(bus: Bus, parking: Parking, layout: Layout) -> None:
    await park(bus, layout, a_task())
    with pytest.raises(ConfigurationError, match="/dev/full"):
        await discarded(parking, EVERYTHING, Path("/dev/full"))
    assert (await parking.survey(EVERYTHING, 9)).matched == 1
