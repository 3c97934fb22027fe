"""`llmbus simulate-providers` as a real process."""

import signal
from collections.abc import AsyncIterator

import anthropic
import pytest

from tests.support.programs import Program, Programs


@pytest.fixture
async def programs() -> AsyncIterator[Programs]:
    async with Programs({}) as programs:
        yield programs


async def started(programs: Programs, *options: str) -> tuple[Program, dict[str, str]]:
    """And the environment that it prints."""
    program = await programs.llmbus("simulate-providers", "--port", "0", *options)
    await program.until_printed("GOOGLE_API_KEY=any\n")
    lines = (line.removeprefix("export ").split("=", 1) for line in program.out.splitlines())
    return program, dict(lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_prints_the_environment_serves_and_ends(
    programs: Programs, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, environment = await started(programs, "--latency", "0.01")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with anthropic.AsyncAnthropic() as client:
        message = await client.messages.create(
            model="claude-haiku-5-5",
            max_tokens=100,
            messages=[{"role": "user", "content": "Hello."}],
        )
    assert message.usage.output_tokens > 0
    program.send(number)
    assert await program.exit_code() == 0
    assert program.err == ""


async def test_port_that_is_taken_is_told_in_one_line(programs: Programs) -> None:
    _, environment = await started(programs)
    port = environment["ANTHROPIC_BASE_URL"].rpartition(":")[2]
    second = await programs.llmbus("simulate-providers", "--port", port)
    assert await second.exit_code() == 78
    [line] = second.spoken
    assert "--port" in line


async def test_help_explains_the_steering(programs: Programs) -> None:
    program = await programs.llmbus("simulate-providers", "--help", COLUMNS="200")
    assert await program.exit_code() == 0
    for word in ("[[simulate:", "retry_after", "wrong_shape", "POST /admin/script", "--latency"):
        assert word in program.out
