"""The parts of a message in the OpenAI chat format."""

import base64
from typing import Any

import pytest

from llmbus.worker.llm_abstractions.chat.parts import (
    File,
    Inline,
    InlineImage,
    LinkedImage,
    Sound,
    Text,
    read_parts,
)
from llmbus.worker.llm_abstractions.errors import RequestRejectedError

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()


def only_part(part: Any) -> Any:
    (only,) = read_parts([part], "messages[1]")
    return only


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "hi"}, Text("hi")),
        ("hi", Text("hi")),
        (
            {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{PNG}"}},
            InlineImage(Inline("image/png", PNG)),
        ),
        (
            {"type": "image_url", "image_url": "https://e.org/a.png"},
            LinkedImage("https://e.org/a.png"),
        ),
        (
            {"type": "input_audio", "input_audio": {"format": "wav", "data": "AA=="}},
            Sound(Inline("audio/wav", "AA==")),
        ),
        (
            {"type": "file", "file": {"filename": "a", "file_data": "data:text/PLAIN;base64,aGk="}},
            File(Inline("text/plain", "aGk="), "a"),
        ),
    ],
)
def test_parts_are_read(part: Any, expected: Any) -> None:
    assert only_part(part) == expected


@pytest.mark.parametrize(
    ("beginning", "media_type"),
    [
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF1234WEBP", "image/webp"),
    ],
)
def test_image_is_known_by_its_first_bytes(beginning: bytes, media_type: str) -> None:
    data = base64.b64encode(beginning + b"more").decode()
    wrapped = f"data:;base64,{data[:5]}\n{data[5:]}"
    part = only_part({"type": "image_url", "image_url": {"url": wrapped}})
    assert part == InlineImage(Inline(media_type, data))


def image(url: Any) -> list[Any]:
    return [{"type": "image_url", "image_url": {"url": url}}]


BROKEN_CONTENTS: list[tuple[Any, str]] = [
    (7, "content is int"),
    (b"bytes", "content is bytes"),
    ([7], "part 0 is int"),
    ([{"type": "hologram"}], "'hologram'"),
    ([{}], "type None"),
    ([{"type": "text", "text": 7}], "int, not text"),
    (image(None), "no url"),
    (image("ftp://e.org/a.png"), "neither an http"),
    (image("data:image/png,plain"), "neither an http"),
    (image("data:image/png;base64,%%%"), "no base64"),
    (image("data:image/png;base64,"), "empty"),
    (image("data:image/png;base64,aGVsbG8="), "no PNG"),
    ([{"type": "input_audio", "input_audio": {"format": "ogg"}}], "wav or mp3"),
    ([{"type": "input_audio", "input_audio": {"format": "wav"}}], "no base64"),
    ([{"type": "file", "file": {"file_id": "f"}}], "file_data"),
]


@pytest.mark.parametrize(("content", "words"), BROKEN_CONTENTS)
def test_part_that_is_not_what_it_says_is_rejected(content: Any, words: str) -> None:
    with pytest.raises(RequestRejectedError, match=words) as caught:
        read_parts(content, "messages[1]")
    assert "messages[1]" in str(caught.value)
    assert not caught.value.sent
