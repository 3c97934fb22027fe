"""Messages that go out in the chat format itself."""

from datetime import date
from typing import Any

import pytest

from llmbus.worker.llm_abstractions import LlmRequest
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.openai_llm.chat_body import chat_body
from llmbus.worker.llm_abstractions.openai_llm.messages import check_messages
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules

USER = {"role": "user", "content": "Hello?"}


def sent(*messages: dict[str, Any], agent_type: str = "openai-gpt") -> Any:
    rules = ModelRules(today=lambda: date(2026, 11, 22))
    chosen = rules.choose(agent_type, "gpt-4o")
    return chat_body(LlmRequest(messages=messages), chosen, rules)["messages"]


@pytest.mark.parametrize(
    ("agent_type", "role"), [("openai-gpt", "developer"), ("custom", "system")]
)
def test_developer_is_called_what_the_server_knows(agent_type: str, role: str) -> None:
    (message,) = sent({"role": "developer", "content": "Be brief."}, agent_type=agent_type)
    assert message["role"] == role


def test_older_form_of_calls_stays() -> None:
    call = {"name": "look", "arguments": "{}"}
    history: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "look", "content": "A cat."},
    ]
    assert sent(*history) == history


def test_calls_keep_only_what_the_api_knows() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f"}}
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{**call, "signature": "s"}],
    }
    assert sent(message)[0]["tool_calls"] == [call]
    odd: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": ["odd"]}
    assert sent(odd)[0]["tool_calls"] == ["odd"]


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "file", "file": {"file_id": "file-1"}}],
        [{"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}],
        [{"type": "text", "text": "Hello?"}],
        "Hello?",
    ],
)
def test_what_the_server_may_know_is_let_through(content: Any) -> None:
    check_messages([{"role": "user", "content": content}])


WRONG: list[list[dict[str, Any]]] = [
    [{"role": "user", "content": " "}, {"role": "assistant", "content": None}],
    [USER, {"role": "tool", "content": "A cat."}],
    [USER, {"role": "user", "content": [{"type": "image_url", "image_url": "no image"}]}],
    [USER, {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}],
]


@pytest.mark.parametrize("messages", WRONG)
def test_what_cannot_be_right_is_refused(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(RequestRejectedError, match=r"messages\[1\]|nothing to ask"):
        check_messages(messages)
