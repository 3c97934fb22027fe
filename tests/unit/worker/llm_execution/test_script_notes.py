"""What a script writes for people holds no key."""

from __future__ import annotations

import subprocess
import sys

import pytest

from llmbus.worker.llm_execution.script_notes import keys_here

KEY = "hunter2.in.no.shape.that.anybody.knows"

LOG_AN_ERROR = f"""
import logging
from llmbus.worker.llm_execution.script_notes import log_to_stderr
log_to_stderr([{KEY!r}])
try:
    raise ValueError("refused: {KEY}")
except ValueError:
    fields = {{"sent": {KEY!r}, "task_id": "t-1"}}
    logging.getLogger("some.sdk").exception("with %s", {KEY!r}, extra={{"fields": fields}})
logging.getLogger("some.sdk").info("told nobody")
"""


def test_log_has_text_fields_and_traceback_without_the_key() -> None:
    command = [sys.executable, "-c", LOG_AN_ERROR]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    first, *_, last = done.stderr.splitlines()
    assert first == "ERROR some.sdk: with <key> sent=<key> task_id=t-1"
    assert last == "ValueError: refused: <key>"
    assert KEY not in done.stderr
    assert done.stdout == ""


def test_keys_are_those_of_every_provider_but_not_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ANTHROPIC", "OPENAI", "GOOGLE", "CUSTOM_LLM", "META_LLAMA"):
        monkeypatch.setenv(f"{variable}_API_KEY", f" key-of-{variable}\n")
    monkeypatch.setenv("CUSTOM_LLM_API_KEY", "any")
    assert keys_here() == {
        "key-of-ANTHROPIC",
        "key-of-OPENAI",
        "key-of-GOOGLE",
        "key-of-META_LLAMA",
    }
