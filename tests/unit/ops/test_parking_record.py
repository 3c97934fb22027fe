"""Bodies as people can read them."""

from __future__ import annotations

import msgspec
import pytest

from llmbus.ops.parking.record import readable_body
from llmbus.shared.codec import JSON, MSGPACK


@pytest.mark.parametrize(
    ("body", "content_type", "shown"),
    [
        (b'{"a":[1]}', JSON, '{\n  "a": [\n    1\n  ]\n}'),
        (msgspec.msgpack.encode({"a": "b"}), MSGPACK, '{\n  "a": "b"\n}'),
        (b'{"torn', JSON, '{"torn'),
        (b"\xff\x00ab", JSON, "\\xff\x00ab"),
        (b"\xc1", MSGPACK, "\\xc1"),
        ("plain \N{SNOWMAN}".encode(), "text/plain", "plain \N{SNOWMAN}"),
        (b"", JSON, ""),
        (b"[" * 100_000, JSON, "[" * 100_000),
    ],
)
def test_whatever_comes_is_shown(body: bytes, content_type: str, shown: str) -> None:
    assert readable_body(body, content_type) == shown
