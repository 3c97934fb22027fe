"""What the rollback script refuses, what it leaves alone, and what it tells."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment, HeldOpenAi
from tests.acceptance.operator_at_work import (
    VARIABLE,
    Operator,
    fallback_of,
    operator_of,
    untouched,
)


@pytest.fixture
def operator(deployment: Deployment, openai: HeldOpenAi) -> Operator:
    return operator_of(deployment, openai)


async def test_without_a_fallback_consumer_it_refuses_unless_forced(operator: Operator) -> None:
    await operator.worker("w1")
    before = operator.file.read_bytes()
    code, _, err = await operator.run("--restart", "exit 9")
    assert (code, operator.file.read_bytes()) == (3, before)
    assert "llmbus fallback" in err
    code, out, _ = await operator.run("--force", "--no-restart")
    assert (code, operator.settings[VARIABLE]) == (0, "false")
    assert "tasks will wait" in out


async def test_running_it_again_changes_and_restarts_nothing(operator: Operator) -> None:
    await operator.worker("w1")
    with operator.file.open("a") as file:
        file.write(f"{VARIABLE}=true\n")
    before = untouched(operator.file)
    code, out, err = await operator.run("--forward", "--restart", "exit 9")
    assert (code, err) == (0, "")
    assert "nothing to do" in out
    assert untouched(operator.file) == before


async def test_status_tells_how_things_stand(operator: Operator) -> None:
    await operator.worker("w1")
    async with fallback_of(operator):
        code, out, err = await operator.run("--status")
    assert (code, err) == (0, "")
    assert "not set, which means true" in out
    assert "1 ask directly, 0 do not, 0 do not say" in out
    assert "fallback queue: 1 consumers" in out


def backups(file: Path) -> list[Path]:
    return sorted(file.parent.glob(f"{file.name}.*.bak"))


async def test_file_keeps_its_mode_and_everything_else_and_is_backed_up(operator: Operator) -> None:
    await operator.worker("w1")
    before = operator.file.read_text()
    lines = f"export {VARIABLE}=yes\nOTHER_{VARIABLE}=1\n# {VARIABLE}=1"
    operator.file.write_text(before + lines)
    code, out, err = await operator.run("--force", "--no-restart")
    assert (code, err) == (0, ""), out
    after = f"export {VARIABLE}=false\nOTHER_{VARIABLE}=1\n# {VARIABLE}=1\n"
    assert operator.file.read_text() == before + after
    assert operator.file.stat().st_mode & 0o777 == 0o600
    [backup] = backups(operator.file)
    assert backup.read_text() == before + lines
    assert backup.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--no-restart"),
        (("--sideways",), "unknown option --sideways"),
        (("--pid", "1", "--restart", "true"), "exclude each other"),
        (("--restart",), "--restart needs a value"),
        (("--pid", "-1"), "must be a process id"),
        (("--pid", "0"), "must be a process id"),
        (("--no-restart", "--timeout", "soon"), "whole seconds"),
        (("--no-restart", "--env-file", "/nowhere/worker.env"), "no environment file"),
    ],
)
async def test_wrong_command_line_is_told_before_anything_happens(
    operator: Operator, arguments: tuple[str, ...], said: str
) -> None:
    before = operator.file.read_bytes()
    code, _, err = await operator.run(*arguments)
    assert (code, operator.file.read_bytes()) == (2, before)
    assert said in err


async def test_what_llmbus_says_is_shown_when_it_cannot_be_asked(
    operator: Operator, unused_tcp_port: int
) -> None:
    with operator.file.open("a") as file:
        file.write(f"LLMBUS_AMQP_URL=amqp://user:s3cret@127.0.0.1:{unused_tcp_port}/\n")
    code, out, err = await operator.run("--no-restart")
    assert code == 4
    assert "127.0.0.1" in err
    assert "s3cret" not in out + err


async def test_process_that_is_no_worker_is_left_alone(operator: Operator) -> None:
    other = await asyncio.create_subprocess_exec("sleep", "60")
    before = untouched(operator.file)
    try:
        code, _, err = await operator.run("--pid", other.pid)
        assert (code, untouched(operator.file)) == (2, before)
        assert f"process {other.pid} is no llmbus" in err
        assert other.returncode is None
    finally:
        other.kill()
        await other.wait()
