"""Events out of bytes, however they are cut up."""

from collections.abc import AsyncIterator

import pytest

from llmbus.worker.llm_abstractions.http.server_sent_events import event_data

STREAM = (
    b": a comment\n\n"
    b'event: delta\nid: 1\ndata: {"text": "a\xe2\x80\xa8b"}\n\n'
    b"data:first\r\ndata: second\r\n\r\n"
    b"retry: 10\n\n"
    b"data: [DONE]\n\n"
    b"data: cut short"
)


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(STREAM), size):
        yield STREAM[start : start + size]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
async def test_data_of_each_event(size: int) -> None:
    assert [data async for data in event_data(in_pieces(size))] == [
        b'{"text": "a\xe2\x80\xa8b"}',
        b"first\nsecond",
        b"[DONE]",
    ]
