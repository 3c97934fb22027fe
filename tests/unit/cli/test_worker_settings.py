"""The settings of a worker, and how its slots are shared out."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmbus.shared.errors import ConfigurationError
from llmbus.shared.settings import read_settings
from llmbus.worker.settings import WorkerSettings, slots_per_lane


@pytest.mark.parametrize(
    ("lanes", "concurrency", "slots"),
    [
        (("a",), 16, {"a": 16}),
        (("a", "b"), 16, {"a": 8, "b": 8}),
        (("a", "b", "c"), 8, {"a": 3, "b": 3, "c": 2}),
        (("a=3", "b"), 4, {"a": 3, "b": 4}),
        (("a=3",), 1, {"a": 3}),
        ((), 16, {}),
    ],
)
def test_slots_are_shared_out_among_the_lanes_without_a_number(
    lanes: tuple[str, ...], concurrency: int, slots: dict[str, int]
) -> None:
    assert slots_per_lane(lanes, concurrency) == slots


@pytest.mark.parametrize(
    ("lanes", "concurrency", "named"),
    [
        (("a", "a"), 16, "'a' is given twice"),
        (("a=1", "a"), 16, "'a' is given twice"),
        (("a=0",), 16, "'a=0'"),
        (("a=-1",), 16, "'a=-1'"),
        (("a=x",), 16, "'a=x'"),
        (("a b",), 16, "'a b'"),
        (("=3",), 16, "''"),
        (("a", "b", "c"), 2, "2 slots cannot serve 3 lanes"),
    ],
)
def test_lanes_that_do_not_fit_are_a_configuration_error(
    lanes: tuple[str, ...], concurrency: int, named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        slots_per_lane(lanes, concurrency)
    assert "LLMBUS_" in str(caught.value)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMBUS_LANES", " openai-gpt , custom=2,")
    monkeypatch.setenv("LLMBUS_CONCURRENCY", "5")
    monkeypatch.setenv("LLMBUS_GRACE_SECONDS", "1.5")
    monkeypatch.setenv("LLMBUS_SCRIPTED", "answers.json")
    settings = read_settings(WorkerSettings)
    assert settings.lanes == ("openai-gpt", "custom=2")
    assert (settings.concurrency, settings.grace_seconds) == (5, 1.5)
    assert settings.scripted == Path("answers.json")


def test_arguments_override_the_environment_unless_they_are_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LLMBUS_CONCURRENCY", "5")
    assert read_settings(WorkerSettings, concurrency=7).concurrency == 7
    assert read_settings(WorkerSettings, concurrency=None).concurrency == 5


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LLMBUS_CONCURRENCY", "0"),
        ("LLMBUS_CONCURRENCY", "many"),
        ("LLMBUS_GRACE_SECONDS", "-1"),
        ("LLMBUS_GRACE_SECONDS", "nan"),
        ("LLMBUS_MAX_ATTEMPTS", "0"),
        ("LLMBUS_TASK_TIMEOUT_SECONDS", "0"),
        ("LLMBUS_ADVERTISE_SECONDS", "60"),
    ],
)
def test_wrong_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=variable) as caught:
        read_settings(WorkerSettings)
    assert value not in str(caught.value).replace(variable, "") or value in "0"


def test_every_process_has_a_name_of_its_own() -> None:
    assert WorkerSettings().worker_id != WorkerSettings().worker_id
