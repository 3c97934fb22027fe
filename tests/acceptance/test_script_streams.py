"""The task scripts when their streams are closed, broken, huge or slow, and when they are told to
stop."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator

import pytest

from llmbus.shared.codec import MAX_BODY_BYTES
from llmbus.worker.provider_simulator import Behaviour, Connection, Simulator
from tests.support.programs import PATIENCE_SECONDS
from tests.support.task_scripts import a_task, environment, run_script, script_command, started

TASK = json.dumps(a_task()).encode()
GPT = script_command("gpt")


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


def settings_of(simulator: Simulator) -> dict[str, str]:
    return {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": simulator.openai_url}


def by_shell(redirection: str) -> list[str]:
    return ["sh", "-c", f'exec "$@" {redirection}', "sh", *GPT]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_during_the_call_gives_it_up(
    simulator: Simulator, number: signal.Signals
) -> None:
    simulator.default = Behaviour(connection=Connection.HUNG)
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        started(GPT, settings_of(simulator)) as process,
    ):
        assert process.stdin
        process.stdin.write(TASK)
        process.stdin.close()
        await simulator.until_received(1)
        process.send_signal(number)
        out, err = await process.communicate()
    answer = json.loads(out)
    assert (process.returncode, answer["status"]) == (1, "failed")
    assert answer["failure"]["kind"] == "outcome_unknown"
    assert "may have been billed" in answer["error"]
    assert not [word for word in (b"Traceback", b"Unclosed", b"ERROR") if word in err], err
    assert simulator.in_flight == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_after_the_call_does_not_cut_the_paid_answer(
    simulator: Simulator, number: signal.Signals
) -> None:
    larger_than_a_pipe = "x" * 2_000_000
    simulator.default = Behaviour(text=larger_than_a_pipe)
    reading_end, writing_end = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *GPT,
        stdin=subprocess.PIPE,
        stdout=writing_end,
        stderr=subprocess.DEVNULL,
        env=environment(settings_of(simulator)),
    )
    os.close(writing_end)
    with os.fdopen(reading_end, "rb") as reader:
        async with asyncio.timeout(PATIENCE_SECONDS):
            giving = asyncio.create_task(process.communicate(TASK))
            begun = await asyncio.to_thread(reader.read, 1)
            process.send_signal(number)
            out = begun + await asyncio.to_thread(reader.read)
            await giving
    assert json.loads(out)["output"] == larger_than_a_pipe
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_before_the_call_ends_it_at_once(number: signal.Signals) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), started(GPT, {}) as process:
        assert process.stderr
        warning = await process.stderr.readline()
        assert b"DeprecationWarning" in warning  # it waits for its task now
        process.send_signal(number)
        out, err = await process.communicate()
    assert process.returncode == -number
    assert (out, b"Traceback" in err) == (b"", False)


async def test_nobody_is_asked_if_nobody_reads(simulator: Simulator) -> None:
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    done = await asyncio.to_thread(
        subprocess.run,
        GPT,
        input=TASK,
        stdout=writing_end,
        stderr=subprocess.PIPE,
        env=environment(settings_of(simulator)),
        timeout=PATIENCE_SECONDS,
    )
    os.close(writing_end)
    assert done.returncode == 1
    assert b"nobody was asked" in done.stderr
    assert not simulator.received


async def test_closed_stdout_is_told_before_anybody_is_asked(simulator: Simulator) -> None:
    ended = await run_script(by_shell(">&-"), TASK, settings_of(simulator))
    assert ended.code == 1
    assert "stdout is closed" in ended.err
    assert "Traceback" not in ended.err
    assert not simulator.received


async def test_paid_answer_goes_to_stderr_if_stdout_breaks_meanwhile(
    simulator: Simulator,
) -> None:
    simulator.default = Behaviour(text="Paid for.", latency_seconds=0.5)
    reading_end, writing_end = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *GPT,
        stdin=subprocess.PIPE,
        stdout=writing_end,
        stderr=subprocess.PIPE,
        env=environment(settings_of(simulator)),
    )
    os.close(writing_end)
    async with asyncio.timeout(PATIENCE_SECONDS):
        writing = asyncio.create_task(process.communicate(TASK))
        await simulator.until_received(1)
        os.close(reading_end)
        _, err = await writing
    assert process.returncode == 1
    assert json.loads(err.splitlines()[-1])["output"] == "Paid for."
    assert b"Traceback" not in err


async def test_full_disk_does_not_lose_a_paid_answer(simulator: Simulator) -> None:
    simulator.default = Behaviour(text="Paid for.")
    ended = await run_script(by_shell(">/dev/full"), TASK, settings_of(simulator))
    assert ended.code == 1
    assert ended.refusal["output"] == "Paid for."


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
async def test_stderr_that_takes_nothing_changes_nothing(
    simulator: Simulator, redirection: str
) -> None:
    ended = await run_script(by_shell(redirection), TASK, settings_of(simulator))
    assert (ended.code, ended.answer["status"]) == (0, "success")


async def test_stderr_that_nobody_reads_changes_nothing(simulator: Simulator) -> None:
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    done = await asyncio.to_thread(
        subprocess.run,
        GPT,
        input=TASK,
        stdout=subprocess.PIPE,
        stderr=writing_end,
        env=environment(settings_of(simulator)),
        timeout=PATIENCE_SECONDS,
    )
    os.close(writing_end)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "success")


@pytest.mark.parametrize(
    ("redirection", "says"),
    [
        ("<&-", "stdin is closed"),
        ("</dev/null", "stdin is empty"),
        ("0>/dev/null", "cannot be read"),
    ],
)
async def test_stdin_without_a_task(redirection: str, says: str) -> None:
    ended = await run_script(by_shell(redirection), b"")
    assert (ended.code, ended.out) == (3, "")
    assert says in ended.refusal["error"]


async def test_all_streams_closed_is_an_end_without_a_call(simulator: Simulator) -> None:
    ended = await run_script(by_shell("<&- >&- 2>&-"), b"", settings_of(simulator))
    assert (ended.code, ended.out, ended.err) == (1, "", "")


async def test_task_that_is_not_utf_8_is_refused() -> None:
    ended = await run_script(GPT, TASK.replace(b"Parser", b"P\xe4rser"))
    assert (ended.code, ended.out) == (3, "")
    assert "stdin holds no JSON task" in ended.refusal["error"]


async def test_stdin_over_the_limit_is_refused_without_reading_on() -> None:
    endless = ["sh", "-c", 'yes | exec "$@"', "sh", *GPT]
    ended = await run_script(endless, b"")
    assert (ended.code, ended.out) == (3, "")
    assert f"{MAX_BODY_BYTES:,} bytes" in ended.refusal["error"]


async def test_pipes_that_do_not_block_carry_large_tasks_and_answers(simulator: Simulator) -> None:
    large = "x" * 2_000_000
    simulator.default = Behaviour(text=large)
    task = json.dumps(a_task(notes=large)).encode()
    async with asyncio.timeout(PATIENCE_SECONDS):
        out = await _by_non_blocking_pipes(task, settings_of(simulator))
    assert json.loads(out)["output"] == large


async def _by_non_blocking_pipes(task: bytes, settings: dict[str, str]) -> bytes:
    """Both ends share what an open pipe is, except that each has its own direction."""
    stdin_out, stdin_in = os.pipe()
    stdout_out, stdout_in = os.pipe()
    for descriptor in (stdin_out, stdout_in):
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    process = await asyncio.create_subprocess_exec(
        *GPT, stdin=stdin_out, stdout=stdout_in, env=environment(settings)
    )
    os.close(stdin_out)
    os.close(stdout_in)
    with os.fdopen(stdout_out, "rb") as reader, os.fdopen(stdin_in, "wb") as writer:
        reading = asyncio.create_task(asyncio.to_thread(reader.read))
        await asyncio.to_thread(writer.write, task)
        writer.close()
        out = await reading
    assert await process.wait() == 0
    return out
