"""The names and routes of a deployment, as data."""

from __future__ import annotations

from datetime import timedelta

import pytest

from llmbus.shared.ladder import DEFAULT_LADDER, RetryLadder
from llmbus.shared.topology import Binding, ExchangeKind, Layout

LAYOUT = Layout(ladder=RetryLadder((timedelta(seconds=1), timedelta(seconds=5))))


def test_lane_is_fed_by_publishers_and_by_the_wait_queues() -> None:
    topology = LAYOUT.for_tasks(["openai-gpt"])
    to_lane = {b for b in topology.bindings if b.queue == "llmbus.tasks.openai-gpt"}
    assert to_lane == {
        Binding("llmbus.tasks", "llmbus.tasks.openai-gpt", "openai-gpt"),
        Binding("llmbus.due", "llmbus.tasks.openai-gpt", "openai-gpt"),
    }
    [lane] = [queue for queue in topology.queues if queue.name == "llmbus.tasks.openai-gpt"]
    assert lane.prioritised
    assert lane.dead_letter_exchange == "llmbus.dead"


def test_every_rung_has_a_wait_queue_that_leads_back() -> None:
    waiting = [queue for queue in LAYOUT.for_tasks([]).queues if queue.message_ttl]
    assert [queue.name for queue in waiting] == [
        f"llmbus.retry.{milliseconds}" for milliseconds in (800, 1000, 1200, 4000, 5000, 6000)
    ]
    assert {queue.dead_letter_exchange for queue in waiting} == {"llmbus.due"}


def test_only_the_broker_itself_has_an_alternate_route() -> None:
    exchanges = LAYOUT.for_tasks(["a"]).exchanges
    assert {e.name: e.alternate for e in exchanges if e.alternate} == {
        "llmbus.due": "llmbus.unrouted"
    }


def test_everything_bound_exists() -> None:
    topology = LAYOUT.for_tasks(["a", "b"]) + LAYOUT.for_results("me")
    exchanges = {exchange.name: exchange for exchange in topology.exchanges}
    queues = {queue.name for queue in topology.queues}
    assert all(binding.exchange in exchanges for binding in topology.bindings)
    assert all(binding.queue in queues for binding in topology.bindings)
    assert all(
        not binding.routing_key or exchanges[binding.exchange].kind is ExchangeKind.DIRECT
        for binding in topology.bindings
    )


def test_adding_a_topology_to_itself_changes_nothing() -> None:
    topology = LAYOUT.for_tasks(["a"]) + LAYOUT.for_results("me")
    assert topology + topology == topology


def test_results_queue_expires_and_stays_classic() -> None:
    [queue] = LAYOUT.for_results("me").queues
    assert queue.expires == timedelta(days=7)
    assert not queue.replicable


@pytest.mark.parametrize("name", ["", "a b", "a/b", ".a", "ä", "x" * 101, "a\n"])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of a queue's name"):
        LAYOUT.lane_queue(name)
    with pytest.raises(ValueError, match="orchestrator"):
        LAYOUT.results_queue(name)


def test_last_step_of_the_ladder_serves_all_that_lie_above() -> None:
    assert LAYOUT.ladder.rungs(99) == LAYOUT.ladder.rungs(1)


@pytest.mark.parametrize("steps", [(), (5, 1), (1, 1), (0,)])
def test_ladder_that_does_not_rise_is_refused(steps: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="retry delay"):
        RetryLadder(tuple(timedelta(seconds=step) for step in steps))


def test_default_ladder_rises_to_an_hour() -> None:
    assert DEFAULT_LADDER.all_rungs()[-1] == timedelta(minutes=72)
    assert len(DEFAULT_LADDER.all_rungs()) == 21
