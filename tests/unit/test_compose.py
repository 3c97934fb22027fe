"""compose.yaml and what is in deploy/, as far as they can be checked without a container engine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings
from ruamel.yaml import YAML

from llmbus.shared.settings import BusSettings, StoreSettings
from llmbus.worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose.yaml"
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()
SETTINGS: tuple[type[BaseSettings], ...] = (BusSettings, StoreSettings, WorkerSettings)


def _services() -> dict[str, dict[str, Any]]:
    reader: Any = YAML(typ="safe")
    services: dict[str, dict[str, Any]] = reader.load(COMPOSE)["services"]
    return services


SERVICES = _services()
WORKER = SERVICES["worker"]
every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


def test_the_compose_schema_is_kept() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [str(checker), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@every_service
def test_health_is_checked(service: dict[str, Any]) -> None:
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries", "start_period"} < set(service["healthcheck"])


@every_service
def test_what_is_not_built_here_is_pinned_to_a_major_version(service: dict[str, Any]) -> None:
    assert "build" in service or re.fullmatch(r"[a-z]+:\d+(-[a-z]+)?", service["image"])


@every_service
def test_ports_are_open_to_this_machine_alone(service: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@every_service
def test_nothing_runs_with_rights_that_it_does_not_need(service: dict[str, Any]) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" in service or "build" in service


@every_service
def test_secrets_come_from_outside(service: dict[str, Any]) -> None:
    for name, value in service.get("environment", {}).items():
        if re.search("PASS|KEY|SECRET|TOKEN", name):
            assert re.fullmatch(r"\$\{\w+:-(guest)?\}", value), name
        elif name.endswith("_URL"):
            assert re.fullmatch(r"\w+://(\$\{\w+:-guest\}:\$\{\w+:-guest\}@)?[^@]+", value), name


def test_two_workers_wait_until_what_they_need_is_healthy() -> None:
    assert WORKER["deploy"]["replicas"] == 2
    assert WORKER["depends_on"] == {
        name: {"condition": "service_healthy"} for name in ("rabbitmq", "redis")
    }


def test_the_fallback_has_all_that_a_worker_has() -> None:
    own = {"command": ["llmbus", "fallback"], "deploy": {"replicas": 1}}
    assert SERVICES["fallback"] == WORKER | own


def test_the_unit_of_the_fallback_is_that_of_a_worker_but_for_what_it_runs() -> None:
    worker, fallback = (
        (ROOT / f"deploy/llmbus-{name}.service").read_text().partition("[Unit]\n")[2]
        for name in ("worker", "fallback")
    )
    for line in ("Description=llmbus {}\n", "ExecStart=/opt/llmbus/bin/llmbus {}\n"):
        worker = worker.replace(line.format("worker"), line.format("fallback"))
    assert worker == fallback


def test_one_variable_rolls_the_workers_back() -> None:
    switch = WORKER["environment"]["LLMBUS_USE_DIRECT_LLM"]
    assert switch == "${LLMBUS_USE_DIRECT_LLM:-true}"


def test_a_worker_may_drain_before_it_is_killed() -> None:
    grace_seconds = int(WORKER["environment"]["LLMBUS_GRACE_SECONDS"])
    assert int(WORKER["stop_grace_period"].removesuffix("s")) >= grace_seconds + 15
    assert "STOPSIGNAL SIGTERM" in DOCKERFILE


def test_the_variables_of_a_worker_are_settings_of_a_worker() -> None:
    known = {f"LLMBUS_{name.upper()}" for kind in SETTINGS for name in kind.model_fields}
    given = {name for name in WORKER["environment"] if name.startswith("LLMBUS_")}
    assert given <= known


def test_the_answers_that_need_no_key_are_in_the_image() -> None:
    default = WORKER["environment"]["LLMBUS_SCRIPTED"]
    path = default.removeprefix("${LLMBUS_SCRIPTED-/app/").removesuffix("}")
    assert (ROOT / path).is_file()
    assert "COPY examples /app/examples" in DOCKERFILE


def test_a_worker_runs_as_nobody_in_particular_and_writes_nothing() -> None:
    assert "USER 10001:10001" in DOCKERFILE
    assert WORKER["read_only"] is True
    assert WORKER["init"] is True


def test_both_files_check_health_alike() -> None:
    assert WORKER["healthcheck"]["test"] == ["CMD", "llmbus", "health"]
    assert re.search(r'HEALTHCHECK .*\\\n +CMD \["llmbus", "health"\]', DOCKERFILE)


def test_the_image_is_built_from_every_room_and_from_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    for package in packages:
        room = package.partition("/")[0]
        assert f"COPY {room} {room}\n" in DOCKERFILE
    assert "--constraint requirements.lock" in DOCKERFILE
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["python:3.13-slim"] * 2
