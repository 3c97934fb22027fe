"""The real OpenAI SDK in a real worker process, against a server on loopback."""

from __future__ import annotations

import json

from msgspec import structs

from llmbus.shared import ExecutionResult, ExecutionStatus, FailureKind, Usage
from llmbus.shared.codec import encode_result
from tests.acceptance.deployment import KEY, Deployment, HeldOpenAi, task
from tests.support.failures import failure_kind
from tests.support.openai_server import Answer, completion, error_body
from tests.support.programs import PATIENCE_SECONDS, Program


async def answer_to_one_task(deployment: Deployment) -> ExecutionResult:
    async with deployment.producer() as producer:
        handle = await producer.submit(task("t1"))
        return await handle.wait(PATIENCE_SECONDS)


def assert_key_is_nowhere(worker: Program, *results: ExecutionResult) -> None:
    everything = worker.out + worker.err + "".join(encode_result(r).decode() for r in results)
    assert KEY not in everything


async def test_answer_comes_back_with_its_usage(deployment: Deployment, openai: HeldOpenAi) -> None:
    openai.default = Answer(body=completion("Hello from afar."))
    worker = await deployment.worker("w1", **openai.environment)
    result = await answer_to_one_task(deployment)
    assert (result.status, result.output) == (ExecutionStatus.SUCCESS, "Hello from afar.")
    assert (result.worker_id, result.attempts) == ("w1", 1)
    assert result.usage is not None
    assert result.usage.cost_usd  # by the price list, whatever it says at the time
    assert structs.replace(result.usage, cost_usd=None) == Usage(
        input_tokens=12, output_tokens=5, cached_tokens=8, reasoning_tokens=2
    )
    assert_key_is_nowhere(worker, result)


async def test_rate_limit_is_waited_for_and_then_paid_once(
    deployment: Deployment, openai: HeldOpenAi
) -> None:
    openai.script(Answer(status=429, headers={"retry-after": "0.1"}, body=error_body()))
    worker = await deployment.worker("w1", **openai.environment)
    result = await answer_to_one_task(deployment)
    [retried] = await worker.until_logged("task_retried")
    assert (result.status, result.attempts) == (ExecutionStatus.SUCCESS, 2)
    assert openai.calls == {"t1": 2}
    assert retried["kind"] == "rate_limited"
    assert retried["delay_seconds"] >= 0.1


async def test_refused_key_fails_the_task_and_appears_nowhere(
    deployment: Deployment, openai: HeldOpenAi
) -> None:
    text = f"Incorrect API key provided: {KEY}."
    openai.default = Answer(status=401, body=error_body("invalid_api_key", text))
    worker = await deployment.worker("w1", **openai.environment)
    result = await answer_to_one_task(deployment)
    await worker.until_logged("task_failed")
    assert (failure_kind(result), result.attempts) == (FailureKind.ACCOUNT, 1)
    assert openai.calls == {"t1": 1}
    assert_key_is_nowhere(worker, result)


async def test_missing_key_is_told_at_start_and_in_the_result(deployment: Deployment) -> None:
    worker = await deployment.worker("w1", "--with-fallback")
    [warning] = worker.logged("lane_unusable")
    result = await answer_to_one_task(deployment)
    assert (warning["lane"], warning["level"]) == ("openai-gpt", "warning")
    assert failure_kind(result) is FailureKind.MISSING_API_KEY
    assert "OPENAI_API_KEY" in warning["reason"]
    assert "OPENAI_API_KEY" in result.error
    listing = await deployment.ended("workers", "--json")
    [entry] = json.loads(listing.out)["workers"]
    assert (entry["lanes"], entry["agent_types"]) == (["openai-gpt", "fallback"], [])


async def test_key_makes_the_lane_and_the_worker_shows_it(
    deployment: Deployment, openai: HeldOpenAi
) -> None:
    worker = await deployment.programs.llmbus("worker", **openai.environment)
    [started] = await worker.until_logged("worker_started")
    listing = await deployment.ended("workers", "--json")
    [entry] = json.loads(listing.out)["workers"]
    assert started["slots"] == {"openai-gpt": 16}
    assert entry["agent_types"] == ["openai-gpt"]
    assert entry["models"] == ["gpt-4o"]


async def test_worker_that_can_ask_nobody_says_what_to_do(deployment: Deployment) -> None:
    worker = await deployment.programs.llmbus("worker")
    assert await worker.exit_code() == 78
    [line] = worker.spoken
    assert "OPENAI_API_KEY" in line
    assert "LLMBUS_LANES" in line
