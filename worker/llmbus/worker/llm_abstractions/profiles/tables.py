"""Reading model profiles: the built-in TOML file, and a user's laid over it field by field."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from llmbus.shared import AgentType
from llmbus.shared.errors import ConfigurationError
from llmbus.worker.llm_abstractions.profiles.model_profile import ModelProfile

__all__ = ["AgentRules", "ProfileTables", "read_tables"]


class AgentRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for a whole agent type."""

    newest: str
    """The family whose rules hold for names that are not listed."""
    default_model: str = ""
    strip: tuple[str, ...] = ()
    """Beginnings of names that other programs add."""


class ProfileTables(msgspec.Struct, frozen=True):
    """The three tables of a profiles file, with each model's family worked in."""

    agents: Mapping[AgentType, AgentRules]
    families: Mapping[str, ModelProfile]
    models: Mapping[str, ModelProfile]


def read_tables(user_file: Path | None) -> ProfileTables:
    """The built-in tables, changed by the user's file if there is one.

    Raises `ConfigurationError` naming the file and what is wrong in it.
    """
    builtin = tomllib.loads(
        files("llmbus.worker.llm_abstractions.profiles")
        .joinpath("profiles.toml")
        .read_text("utf-8")
    )
    if user_file is None:
        return _tables(builtin)
    try:
        own = tomllib.loads(user_file.read_text("utf-8"))
        return _tables(_merged(builtin, own))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ConfigurationError(f"LLMBUS_MODEL_PROFILES: {user_file}: {error}") from error


def _merged(tables: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := own.keys() - {"agents", "families", "models"}:
        raise ValueError(f"unknown tables: {', '.join(sorted(unknown))}")
    merged: dict[str, Any] = {}
    for table in ("agents", "families", "models"):
        entries: dict[str, Any] = dict(tables[table])
        for name, fields in own.get(table, {}).items():
            entries[name] = {**entries.get(name, {}), **fields}
        merged[table] = entries
    return merged


def _tables(tables: Mapping[str, Any]) -> ProfileTables:
    agents = {
        AgentType(name): msgspec.convert(fields, AgentRules)
        for name, fields in tables["agents"].items()
    }
    families = {
        name: _profile(f"families.{name}", {**fields, "family": name})
        for name, fields in tables["families"].items()
    }
    models = {
        name: _profile(f"models.{name}", {**_family_of(name, fields, tables), **fields})
        for name, fields in tables["models"].items()
    }
    if missing := {agent.newest for agent in agents.values()} - families.keys():
        raise ValueError(f"there is no family {', '.join(sorted(missing))}")
    for name in models:
        _check_replacements(name, models)
    return ProfileTables(agents, families, models)


def _check_replacements(model: str, models: Mapping[str, ModelProfile]) -> None:
    """A retired model leads to one that lives, not in a circle."""
    seen = [model]
    while (after := models.get(seen[-1])) is not None and after.replacement is not None:
        if after.replacement in seen:
            raise ValueError(f"models.{model}: its replacements lead in a circle")
        seen.append(after.replacement)


def _family_of(model: str, fields: Mapping[str, Any], tables: Mapping[str, Any]) -> dict[str, Any]:
    family = fields.get("family", "")
    if family and family not in tables["families"]:
        raise ValueError(f"models.{model}: there is no family {family!r}")
    found: dict[str, Any] = dict(tables["families"].get(family, {}))
    return found


def _profile(where: str, fields: Mapping[str, Any]) -> ModelProfile:
    try:
        return msgspec.convert(fields, ModelProfile)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}: {error}") from None
