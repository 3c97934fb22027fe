"""What every provider inherits."""

import asyncio
from typing import Any

import pytest

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.base_llm import (
    BaseLlm,
    LlmReply,
    LlmRequest,
    TaskOrigin,
    TextDelta,
    ToolCall,
)
from llmbus.worker.llm_abstractions.errors import CallTimedOutError, RequestRejectedError
from llmbus.worker.llm_abstractions.time_limits import within_time_limit

MESSAGES = [{"role": "user", "content": "Hello?"}]


class Remembering(BaseLlm):
    """Keeps the request that it got."""

    provider = "remembering"
    request: LlmRequest

    async def generate(self, request: LlmRequest) -> LlmReply:
        self.request = request
        return LlmReply(
            text="Yes.", finish_reason="stop", usage=Usage(), model=self.model, provider="test"
        )


async def test_keywords_become_fields_of_the_request_and_else_options() -> None:
    llm = Remembering("m")
    text = await llm.generate_content_async(
        MESSAGES,
        max_tokens=5,
        temperature=0.1,
        timeout_seconds=3.0,
        origin=TaskOrigin("t"),
        options={"seed": 1},
        response_format={"type": "json_object"},
        top_p=0.5,
    )
    assert text == "Yes."
    assert llm.request == LlmRequest(
        messages=MESSAGES,
        max_tokens=5,
        temperature=0.1,
        timeout_seconds=3.0,
        origin=TaskOrigin("t"),
        response_format={"type": "json_object"},
        options={"seed": 1, "top_p": 0.5},
    )
    await llm.aclose()


def test_request_without_messages_is_refused() -> None:
    with pytest.raises(RequestRejectedError, match="messages are empty"):
        LlmRequest(messages=[])


def test_messages_that_are_none_are_told() -> None:
    not_messages: Any = "What is a bus?"
    with pytest.raises(RequestRejectedError, match=r"messages\[0\] is a str, not a message like"):
        LlmRequest(messages=not_messages)


@pytest.mark.parametrize("message", [{"role": "boss", "content": "x"}, {"content": "x"}])
def test_role_that_nobody_knows_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(RequestRejectedError, match=r"messages\[1\] has the role"):
        LlmRequest(messages=[*MESSAGES, message])


async def test_time_limit_cuts_and_says_that_it_may_have_been_billed() -> None:
    with pytest.raises(CallTimedOutError) as caught:
        async with within_time_limit(LlmRequest(messages=MESSAGES, timeout_seconds=0.01)):
            await asyncio.sleep(30)
    assert caught.value.sent


async def test_timeout_error_of_someone_else_is_left_alone() -> None:
    with pytest.raises(TimeoutError, match="theirs"):
        async with within_time_limit(LlmRequest(messages=MESSAGES, timeout_seconds=30.0)):
            raise TimeoutError("theirs")


async def test_without_a_limit_the_callers_own_one_rules() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), within_time_limit(LlmRequest(messages=MESSAGES)):
            await asyncio.sleep(30)


async def test_provider_without_streaming_yields_its_text_in_one_piece() -> None:
    llm = Remembering("m")
    items = [item async for item in llm.stream(LlmRequest(messages=MESSAGES))]
    assert items[0] == TextDelta("Yes.")
    assert isinstance(items[1], LlmReply)
    assert items[1].text == "Yes."


def test_reply_without_calls_goes_back_as_plain_text() -> None:
    reply = LlmReply(text="Yes.", finish_reason="stop", usage=None, model="m", provider="p")
    assert reply.as_message() == {"role": "assistant", "content": "Yes."}


def test_call_goes_back_with_what_the_provider_signed() -> None:
    call = ToolCall(id="c1", name="look", arguments="{}", signature="s")
    assert call.as_message_part()["signature"] == "s"
