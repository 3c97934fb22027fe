"""Commands that are imported when they are called, so that `llmbus --help` stays fast."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

__all__ = ["LazyCommand", "LazyGroup", "lazy_group"]


class LazyCommand(TyperCommand):
    """Stands for the function `module:function`, which is turned into a command when called."""

    def __init__(self, name: str, target: str, summary: str) -> None:
        super().__init__(name=name, callback=None, help=summary)
        self._name = name
        self._module, _, self._function = target.partition(":")

    def load(self) -> TyperCommand:
        """Import the module and build the real command."""
        loaded = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        loaded.command(self._name)(getattr(import_module(self._module), self._function))
        return cast(TyperCommand, typer.main.get_command(loaded))


class LazyGroup(TyperGroup):
    """Lists its commands by the name and summary given, and loads the one that is called."""

    def resolve_command(
        self, ctx: Any, args: list[str]
    ) -> tuple[str | None, TyperCommand | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        loaded = command.load() if isinstance(command, LazyCommand) else command
        return name, cast("TyperCommand | None", loaded), rest


def lazy_group(name: str, summary: str, commands: Iterable[LazyCommand]) -> LazyGroup:
    """Several commands under one name."""
    group = LazyGroup(name=name, help=summary, no_args_is_help=True, rich_markup_mode="markdown")
    for command in commands:
        group.add_command(command)
    return group
