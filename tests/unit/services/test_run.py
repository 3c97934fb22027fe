"""`python -m tests.services run` as a person uses it, on real services."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.services.waiting import wait_until_gone

RUN = (sys.executable, "-m", "tests.services", "run")
GIVEN_VARIABLES = ("TEST_AMQP_URL", "TEST_RABBITMQ_API_URL", "TEST_REDIS_URL")
START_SECONDS = 100.0
SAY_READY_AND_STAY = ("--", "sh", "-c", "echo ready; exec sleep 600")


def environment_without(*names: str, folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return kept | {"TMPDIR": str(folder)}


@contextmanager
def started(*arguments: str, environment: dict[str, str]) -> Generator[psutil.Popen]:
    """A runner whose command runs."""
    with psutil.Popen(
        [*RUN, *arguments], env=environment, stdout=subprocess.PIPE, text=True
    ) as runner:
        try:
            assert runner.stdout.readline() == "ready\n"
            yield runner
        finally:
            if runner.poll() is None:
                runner.kill()


def test_nothing_stays_running_when_the_runner_is_killed_9(tmp_path: Path) -> None:
    environment = environment_without(*GIVEN_VARIABLES, folder=tmp_path)
    with started(*SAY_READY_AND_STAY, environment=environment) as runner:
        descendants = runner.children(recursive=True)
        names = {process.name() for process in descendants}
        assert {"beam.smp", "epmd", "redis-server"} <= names
        runner.kill()

    wait_until_gone(process.pid for process in descendants)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_the_services(tmp_path: Path, signum: int) -> None:
    environment = environment_without("TEST_REDIS_URL", folder=tmp_path)
    with started(*SAY_READY_AND_STAY, environment=environment) as runner:
        descendants = runner.children(recursive=True)
        runner.send_signal(signum)
        assert runner.wait(30) == 128 + signum

    wait_until_gone(process.pid for process in descendants)
    assert not [path for path in tmp_path.glob("*/*") if path.is_dir()]


def test_the_command_gets_the_urls_and_its_exit_code_is_passed_on(tmp_path: Path) -> None:
    environment = environment_without("TEST_REDIS_URL", folder=tmp_path)
    command = 'echo "$TEST_AMQP_URL $TEST_RABBITMQ_API_URL $TEST_REDIS_URL"; exit 3'
    done = subprocess.run(
        [*RUN, "--", "sh", "-c", command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )

    assert done.returncode == 3
    schemes = [url.partition("://")[0] for url in done.stdout.split()]
    assert schemes == ["amqp", "http", "redis"]
    assert "ready in" in done.stderr


def test_a_dead_url_ends_with_69(tmp_path: Path) -> None:
    environment = environment_without(folder=tmp_path) | {"TEST_REDIS_URL": "redis://127.0.0.1:1/0"}
    done = subprocess.run(
        [*RUN, "--", "true"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )

    assert done.returncode == 69
    assert "TEST_REDIS_URL" in done.stderr
