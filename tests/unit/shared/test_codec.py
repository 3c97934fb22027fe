"""Bytes to tasks and back, in both encodings, and what is said of bytes that are neither."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmbus.shared import AgentTask, ExecutionResult, ExecutionStatus
from llmbus.shared.codec import (
    JSON,
    MAX_BODY_BYTES,
    MSGPACK,
    decode_result,
    decode_task,
    encode_result,
    encode_task,
)
from llmbus.shared.errors import BodyTooLargeError, InvalidInputError, InvalidTaskError

TASK = AgentTask("t1", "Title", "Do it.", "gpt-4", metadata={"model": "m", "n": [1, {"x": None}]})
RESULT = ExecutionResult("t1", "gpt-4", ExecutionStatus.SUCCESS, datetime.now(UTC), output="ü")


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
def test_round_trip(content_type: str) -> None:
    assert decode_task(encode_task(TASK, content_type), content_type) == TASK
    assert decode_result(encode_result(RESULT, content_type), content_type) == RESULT


def test_json_body_is_readable_and_holds_wire_values() -> None:
    body = msgspec.json.decode(encode_task(TASK))
    assert body["priority"] == "medium"
    assert body["schema_version"] == 1


@pytest.mark.parametrize("written", ["application/json; charset=utf-8", "APPLICATION/JSON", None])
def test_content_type_is_read_leniently(written: str | None) -> None:
    assert decode_task(encode_task(TASK), written) == TASK


def test_common_name_of_message_pack_is_known() -> None:
    assert decode_task(encode_task(TASK, MSGPACK), "application/x-msgpack") == TASK


def test_unknown_content_type_is_refused_by_name() -> None:
    with pytest.raises(InvalidTaskError, match="text/xml"):
        decode_task(encode_task(TASK), "text/xml")


@given(st.binary(max_size=200), st.sampled_from([JSON, MSGPACK]))
def test_any_bytes_are_a_task_or_an_input_error(body: bytes, content_type: str) -> None:
    for decode in (decode_task, decode_result):
        with pytest.raises(InvalidInputError):
            decode(body, content_type)


@given(
    st.dictionaries(
        st.sampled_from(AgentTask.__struct_fields__), st.none() | st.text(max_size=5), max_size=4
    )
)
def test_any_object_is_a_task_or_an_input_error(fields: dict[str, object]) -> None:
    values = {**TASK.to_dict(), **fields}
    try:
        decoded = decode_task(msgspec.json.encode(values))
    except InvalidInputError:
        return
    assert decoded.to_dict() == values


def test_body_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    room = MAX_BODY_BYTES - len(encode_task(TASK))
    largest = msgspec.structs.replace(TASK, notes="x" * room)
    assert len(encode_task(largest)) == MAX_BODY_BYTES
    with pytest.raises(BodyTooLargeError, match="8,388,609 bytes"):
        encode_task(msgspec.structs.replace(TASK, notes="x" * (room + 1)))


def test_task_that_contains_itself_is_refused() -> None:
    circular = AgentTask("t1", "Title", "Do it.", "gpt-4")
    circular.metadata["self"] = circular.metadata
    with pytest.raises(InvalidTaskError, match="'t1' cannot be encoded"):
        encode_task(circular)
