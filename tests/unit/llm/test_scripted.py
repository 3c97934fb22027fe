"""A provider that answers from a script."""

from pathlib import Path
from typing import Any

import pytest

from llmbus.shared import AgentType, FailureKind
from llmbus.shared.errors import ConfigurationError
from llmbus.worker.llm_abstractions import LlmError, LlmReply, LlmRequest, ScriptedProviders
from llmbus.worker.llm_abstractions.base_llm import TaskOrigin
from llmbus.worker.llm_abstractions.errors import (
    CallTimedOutError,
    RateLimitedError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.scripted import Script

MESSAGES: list[dict[str, Any]] = [
    {"role": "user", "content": "12345678"},
    {"role": "assistant", "content": None},
]


async def run(
    script: Any = None,
    *,
    attempt: int = 1,
    task_id: str = "T-1",
    providers: ScriptedProviders | None = None,
    timeout_seconds: float | None = None,
) -> LlmReply:
    llm = (providers or ScriptedProviders()).get_provider("openai-gpt")
    metadata = {} if script is None else {"script": script}
    return await llm.generate(
        LlmRequest(
            messages=MESSAGES,
            origin=TaskOrigin(task_id, attempt, metadata),
            timeout_seconds=timeout_seconds,
        )
    )


async def test_without_a_script_the_answer_names_the_task() -> None:
    reply = await run()
    assert (reply.text, reply.request_id) == ("Scripted answer to T-1", "scripted-T-1-1")
    assert await run() == reply


async def test_task_carries_its_own_script() -> None:
    reply = await run({"answer": "Four chars x 2 is eight."})
    assert reply.text == "Four chars x 2 is eight."
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (2, 6)


async def test_failures_come_in_order_and_then_the_answer() -> None:
    script = {
        "failures": ["unavailable", {"kind": "rate_limited", "retry_after_seconds": 3}],
        "answer": "ok",
    }
    with pytest.raises(LlmError) as first:
        await run(script, attempt=1)
    assert first.value.kind is FailureKind.UNAVAILABLE
    with pytest.raises(RateLimitedError) as second:
        await run(script, attempt=2)
    assert second.value.retry_after_seconds == 3
    assert (await run(script, attempt=3)).text == "ok"


async def test_attempt_alone_decides_so_repeating_one_fails_again() -> None:
    for _ in range(2):
        with pytest.raises(LlmError, match="out of order"):
            await run({"failures": [{"kind": "unavailable", "message": "out of order"}]})


async def test_latency_is_cut_by_the_time_limit() -> None:
    with pytest.raises(CallTimedOutError):
        await run({"latency_seconds": 30}, timeout_seconds=0.01)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("fast", "Expected `object`"),
        ({"latency": 1}, "unknown field `latency`"),
        ({"latency_seconds": -1}, "latency_seconds"),
        ({"failures": ["tired"]}, "tired"),
        ({"failures": ["expired"]}, "no call fails by 'expired'"),
    ],
)
async def test_wrong_script_is_refused_with_its_reason(script: Any, complaint: str) -> None:
    with pytest.raises(RequestRejectedError, match=complaint) as caught:
        await run(script)
    assert "metadata['script']" in str(caught.value)


async def test_file_holds_scripts_by_task_and_a_default(tmp_path: Path) -> None:
    path = tmp_path / "scripts.json"
    path.write_text('{"default": {"answer": "any"}, "T-1": {"answer": "one"}}')
    providers = ScriptedProviders.from_file(path)
    assert (await run(providers=providers)).text == "one"
    assert (await run(providers=providers, task_id="T-2")).text == "any"
    assert (await run({"answer": "own"}, providers=providers)).text == "own"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "scripts.json"),
        ("[]", "Expected `object`"),
        ('{"T-1": {"answer": "one"}, "T-7": {"anser": "x"}}', "entry 'T-7': .*anser"),
        ('{"default": {"failures": ["missing_api_key"]}}', "entry 'default': .*missing_api_key"),
    ],
)
def test_wrong_file_is_refused_naming_the_entry(
    tmp_path: Path, content: str, complaint: str
) -> None:
    path = tmp_path / "scripts.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=complaint):
        ScriptedProviders.from_file(path)


def test_missing_file_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no-such-file"):
        ScriptedProviders.from_file("no-such-file.json")


def test_every_agent_type_has_a_scripted_provider() -> None:
    providers = ScriptedProviders(default=Script(answer="x"))
    for agent_type in AgentType:
        assert providers.is_provider_available(agent_type)
        assert providers.get_provider(agent_type, "m").model == "m"
    with pytest.raises(ValueError, match="'abacus'"):
        providers.get_provider("abacus")
