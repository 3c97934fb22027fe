"""What importing costs, in fresh interpreters."""

import json
import subprocess
import sys
from typing import Any

SDKS = ["openai", "anthropic", "google.genai", "httpx2", "aiohttp"]

LOAD_WHILE_THE_LOOP_TICKS = """
import asyncio, json, sys, time
from llmbus.worker.llm_abstractions import LlmFactory

async def longest_gap_seconds(done):
    longest, before = 0.0, time.perf_counter()
    while not done.is_set():
        await asyncio.sleep(0.005)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    return longest

async def main():
    done = asyncio.Event()
    ticking = asyncio.create_task(longest_gap_seconds(done))
    await asyncio.sleep(0)
    start = time.perf_counter()
    await LlmFactory.load("openai-gpt")
    took = time.perf_counter() - start
    done.set()
    gap = await ticking
    LlmFactory.get_provider("openai-gpt", api_key="k")
    print(json.dumps({"took": took, "gap": gap, "loaded": "openai" in sys.modules}))

asyncio.run(main())
"""


def run(code: str) -> Any:
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(finished.stdout)


def test_importing_the_layer_imports_no_sdk() -> None:
    code = (
        "import json, sys, llmbus.worker.llm_abstractions, llmbus.worker.prompt;"
        f"print(json.dumps([name for name in {SDKS!r} if name in sys.modules]))"
    )
    assert run(code) == []


def test_a_package_of_providers_imports_the_sdk_of_what_is_asked_for_alone() -> None:
    code = (
        "import json, sys;"
        "from llmbus.worker.llm_abstractions import anthropic, gemini, openai_llm;"
        f"loaded = lambda: [name for name in {SDKS[:3]!r} if name in sys.modules];"
        "before = loaded(); openai_llm.OpenAILlm, openai_llm.CustomLlm; openai = loaded();"
        "anthropic.AnthropicLlm, gemini.GeminiLlm;"
        "print(json.dumps([before, openai, sorted(loaded())]))"
    )
    assert run(code) == [[], ["openai"], ["anthropic", "google.genai", "openai"]]


def test_asking_whether_a_provider_is_there_imports_no_sdk() -> None:
    code = (
        "import json, os, sys; os.environ['OPENAI_API_KEY'] = 'k';"
        "from llmbus.worker.llm_abstractions import LlmFactory;"
        "there = LlmFactory.list_available_providers();"
        f"print(json.dumps([there, [name for name in {SDKS!r} if name in sys.modules]]))"
    )
    assert run(code) == [["openai-gpt"], []]


def test_loading_an_sdk_does_not_stall_the_event_loop() -> None:
    measured = run(LOAD_WHILE_THE_LOOP_TICKS)
    assert measured["loaded"]
    assert measured["gap"] < measured["took"] / 2, measured
