"""A seed says everything about a run that can be said beforehand."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import CATALOGUE
from tests.faults.found import FOUND
from tests.faults.plan import SLOTS, Plan

SEEDS = range(300)


def test_equal_seeds_make_equal_plans() -> None:
    assert [Plan.from_seed(seed) for seed in SEEDS] == [Plan.from_seed(seed) for seed in SEEDS]


def test_seeds_reach_every_fault_at_every_step() -> None:
    struck = {
        (each.fault, each.step)
        for seed in range(20_000)
        for each in Plan.from_seed(seed).injections
    }
    assert struck == {
        (name, step) for name, fault in CATALOGUE.items() for step in fault.steps or (None,)
    }


def test_names_in_the_catalogue_are_those_of_their_faults() -> None:
    assert {name: fault.name for name, fault in CATALOGUE.items()} == {
        name: name for name in CATALOGUE
    }


def test_plans_for_a_given_broker_leave_its_node_alone() -> None:
    plans = [Plan.from_seed(seed, own_broker=False) for seed in SEEDS]
    assert not any(plan.needs_own_broker for plan in plans)
    assert any(Plan.from_seed(seed).needs_own_broker for seed in SEEDS)


def test_only_some_kinds_of_faults_can_be_asked_for() -> None:
    wanted = "worker-killed,redis-emptied"
    plans = [Plan.from_seed(seed, only=wanted) for seed in SEEDS]
    assert {each.fault for plan in plans for each in plan.injections} == set(wanted.split(","))


def test_a_fault_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="no-such"):
        Plan.from_seed(1, only="no-such")


def test_what_destroys_a_lane_meets_no_waiting_task() -> None:
    plans = [Plan.from_seed(seed, only="lane-deleted") for seed in SEEDS]
    assert all(len(plan.tasks()) <= plan.workers * SLOTS for plan in plans)


def test_a_plan_says_in_words_what_it_does() -> None:
    plan = Plan.from_seed(11, only="connections-closed")
    words = plan.in_words()
    assert f"{len(plan.tasks())} tasks" in words
    assert f"{plan.workers} workers" in words
    assert f"connections-closed at {plan.injections[0].step}" in words


def test_what_has_found_a_defect_names_faults_that_exist_at_steps_that_they_have() -> None:
    for found in FOUND:
        for each in found.plan.injections:
            assert each.step in CATALOGUE[each.fault].steps, found.name
