"""Turns of a conversation as messages of the Messages API."""

import base64
import copy
from typing import Any

import pytest

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.anthropic.body import prepare
from llmbus.worker.llm_abstractions.base_llm import LlmRequest
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()
USER = {"role": "user", "content": "Hello?"}


def body(*messages: dict[str, Any]) -> dict[str, Any]:
    rules = ModelRules()
    chosen = rules.choose(AgentType.ANTHROPIC_CLAUDE, "claude-sonnet-5-5")
    return prepare(LlmRequest(messages=messages), chosen, rules).body


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def test_images_and_files_become_blocks() -> None:
    pdf = base64.b64encode(b"%PDF-1.7").decode()
    parts = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{pdf}"}},
        {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}},
    ]
    (message,) = body({"role": "user", "content": parts})["messages"]
    assert message["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": pdf},
        },
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "hi"},
            "title": "a.txt",
        },
    ]


SOUND = {"type": "input_audio", "input_audio": {"format": "wav", "data": "AA=="}}
ZIP = {"type": "file", "file": {"file_data": "data:application/zip;base64,AA=="}}
PICTURE = {"type": "image_url", "image_url": "https://e.org/a.png"}


@pytest.mark.parametrize(
    ("role", "part", "words"),
    [("user", SOUND, "no sound"), ("user", ZIP, "zip"), ("assistant", PICTURE, "only hold text")],
)
def test_what_claude_does_not_take_is_rejected(role: str, part: Any, words: str) -> None:
    with pytest.raises(RequestRejectedError, match=words):
        body({"role": role, "content": [part]})


def test_calls_results_and_thinking_are_sent_back() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
    function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    history: list[dict[str, Any]] = [
        USER,
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [{"id": "call.1|a", "type": "function", "function": function}],
            "thinking": {"provider": "anthropic-claude", "blocks": [thought]},
        },
        {"role": "tool", "tool_call_id": "call.1|a", "content": "rain"},
    ]
    before = copy.deepcopy(history)
    assert body(*history)["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                thought,
                text("Let me see."),
                {
                    "type": "tool_use",
                    "id": "call_1_a",
                    "name": "weather",
                    "input": {"city": "Oslo"},
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1_a", "content": [text("rain")]}
            ],
        },
    ]
    assert history == before
