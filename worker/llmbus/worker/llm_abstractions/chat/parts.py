"""The parts of a message in the OpenAI chat format: text, images, sound, files."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from llmbus.worker.llm_abstractions.errors import RequestRejectedError

__all__ = [
    "File",
    "Inline",
    "InlineImage",
    "LinkedImage",
    "Part",
    "Sound",
    "Text",
    "as_object",
    "read_parts",
]


class Text(msgspec.Struct, frozen=True):
    """Never empty."""

    text: str


class Inline(msgspec.Struct, frozen=True):
    """Data within the message."""

    media_type: str
    """Lower case, such as `image/png`."""
    base64: str
    """Checked: it can be decoded."""


class InlineImage(msgspec.Struct, frozen=True):
    """A PNG, JPEG, GIF or WebP; checked by its first bytes, which also decide its media type."""

    inline: Inline


class LinkedImage(msgspec.Struct, frozen=True):
    """An image that the provider fetches."""

    url: str


class Sound(msgspec.Struct, frozen=True):
    """`audio/wav` or `audio/mp3`."""

    inline: Inline


class File(msgspec.Struct, frozen=True):
    """A document within the message."""

    inline: Inline
    name: str | None


Part = Text | InlineImage | LinkedImage | Sound | File

_DATA_URL: Final = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),(.*)", re.DOTALL)
_IMAGE_BEGINNINGS: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def as_object(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def read_parts(content: object, where: str) -> tuple[Part, ...]:
    """The parts of a message's content, without empty texts. `where` names it in errors.

    Raises `RequestRejectedError` for a part that is not what it says it is.
    """
    if content is None:
        return ()
    if isinstance(content, str):
        return _text(content)
    if not isinstance(content, Sequence) or isinstance(content, bytes | bytearray):
        raise RequestRejectedError(f"{where}: content is {type(content).__name__}, not text")
    return tuple(_read_all(cast("Sequence[object]", content), where))


def _read_all(content: Sequence[object], where: str) -> Iterator[Part]:
    for position, raw in enumerate(content):
        place = f"{where}, part {position}"
        if isinstance(raw, str):
            yield from _text(raw)
            continue
        if not isinstance(raw, Mapping):
            raise RequestRejectedError(f"{place} is {type(raw).__name__}, not an object")
        part = cast("Mapping[str, Any]", raw)
        reader = _READERS.get(str(part.get("type")))
        if reader is None:
            known = ", ".join(_READERS)
            raise RequestRejectedError(
                f"{place} has the type {part.get('type')!r} (known: {known})"
            )
        yield from reader(part, place)


def _text(text: str) -> tuple[Text, ...]:
    return (Text(text),) if text.strip() else ()


def _read_text(part: Mapping[str, Any], where: str) -> tuple[Part, ...]:
    text = part.get(part["type"])
    if text is not None and not isinstance(text, str):
        raise RequestRejectedError(f"{where}: its text is {type(text).__name__}, not text")
    return _text(text or "")


def _read_image(part: Mapping[str, Any], where: str) -> tuple[Part, ...]:
    image = part.get("image_url")
    url = image if isinstance(image, str) else as_object(image).get("url")
    if not isinstance(url, str):
        raise RequestRejectedError(f"{where}: the image has no url")
    if url.startswith(("https://", "http://")):
        return (LinkedImage(url),)
    inline, data = _inline_of_url(url, where)
    media_type = _image_type(data)
    if media_type is None:
        raise RequestRejectedError(f"{where}: the data is no PNG, JPEG, GIF or WebP image")
    return (InlineImage(Inline(media_type, inline.base64)),)


def _read_sound(part: Mapping[str, Any], where: str) -> tuple[Part, ...]:
    sound = as_object(part.get("input_audio"))
    if sound.get("format") not in {"wav", "mp3"}:
        raise RequestRejectedError(f"{where}: input_audio needs data and a format, wav or mp3")
    text, _ = _checked_base64(sound.get("data"), where)
    return (Sound(Inline(f"audio/{sound['format']}", text)),)


def _read_file(part: Mapping[str, Any], where: str) -> tuple[Part, ...]:
    file = as_object(part.get("file"))
    url = file.get("file_data")
    if not isinstance(url, str):
        raise RequestRejectedError(
            f"{where}: a file needs file_data; the id of an uploaded one means nothing elsewhere"
        )
    return (File(_inline_of_url(url, where)[0], file.get("filename")),)


def _inline_of_url(url: str, where: str) -> tuple[Inline, bytes]:
    """The data in a `data:` URL (RFC 2397), as it stands in the message and decoded."""
    match = _DATA_URL.fullmatch(url)
    if match is None or ";base64" not in match[2].lower():
        raise RequestRejectedError(
            f"{where}: neither an http(s) address nor a data URL in base64: {url[:40]!r}"
        )
    text, data = _checked_base64(match[3], where)
    return Inline(match[1].lower() or "text/plain", text), data


def _checked_base64(text: object, where: str) -> tuple[str, bytes]:
    """Whitespace, as from wrapped lines, goes."""
    try:
        clean = "".join(text.split()) if isinstance(text, str) else ""
        data = base64.b64decode(clean, validate=True)
    except (binascii.Error, ValueError):
        data = b""
        clean = ""
    if not data:
        raise RequestRejectedError(f"{where}: the data is empty or no base64")
    return clean, data


def _image_type(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _IMAGE_BEGINNINGS.items() if data.startswith(start)), None)


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any], str], tuple[Part, ...]]]] = {
    "text": _read_text,
    "refusal": _read_text,
    "image_url": _read_image,
    "input_audio": _read_sound,
    "file": _read_file,
}
