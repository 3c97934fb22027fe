"""Looks into requests whose shape is not known yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeGuard, cast

from llmbus.worker.provider_simulator.api_error import refuse

__all__ = [
    "as_list",
    "as_object",
    "is_object",
    "list_in",
    "object_in",
    "refuse_others",
    "text_of",
]


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether it is a JSON object."""
    return isinstance(value, Mapping)


def as_object(value: object, where: str) -> Mapping[str, Any]:
    """Refused if it is anything else."""
    if not is_object(value):
        refuse(f"{where}: expected an object", param=where)
    return value


def as_list(value: object, where: str) -> Sequence[Any]:
    """Refused if it is anything else."""
    if not isinstance(value, list):
        refuse(f"{where}: expected an array", param=where)
    return value  # pyright: ignore[reportUnknownVariableType]  JSON


def object_in(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The JSON object of that name; empty if there is none."""
    value = fields.get(name)
    return value if is_object(value) else {}


def list_in(fields: Mapping[str, Any], name: str) -> Sequence[Any]:
    """The list of that name; empty if there is none."""
    value = fields.get(name)
    return value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType]


def refuse_others(
    found: Iterable[str], known: Iterable[str], say: Callable[[str], str], param: str | None = None
) -> None:
    """Refuse the first name that is not known, in the words of the service."""
    if others := sorted(set(found) - set(known)):
        refuse(say(others[0]), param=param or others[0])


def text_of(value: object) -> str:
    """The text in a content of any API: a text, or a list of parts with a `text`."""
    if isinstance(value, str):
        return value
    if is_object(value):
        return "\n".join(
            text
            for name in ("text", "content", "output", "parts")
            if (text := text_of(value.get(name)))
        )
    if isinstance(value, Sequence):
        parts = cast("Sequence[object]", value)
        return "\n".join(text for part in parts if (text := text_of(part)))
    return ""
