"""Looking up the profile of a model.

The data is `profiles.toml` beside this module; a user's file of the same form (the setting
LLMBUS_MODEL_PROFILES) replaces or adds entries, field by field.
"""

from __future__ import annotations

import logging
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.profiles.model_profile import (
    ModelProfile,
    WhenRetired,
)
from llmbus.worker.llm_abstractions.profiles.tables import ProfileTables, read_tables

__all__ = ["Profiles", "builtin_profiles"]

_log = logging.getLogger("llmbus.worker.llm")
_SOON_DAYS: Final = 60
_REMEMBERED: Final = 1_000


class Profiles:
    """All profiles. Lookups are remembered, so they cost a dictionary access."""

    def __init__(self, tables: ProfileTables) -> None:
        self._agents: Final = tables.agents
        self._families: Final = tables.families
        self._models: Final = tables.models
        self._found: Final[dict[tuple[AgentType, str], ModelProfile]] = {}
        self._said: Final[set[str]] = set()

    @classmethod
    def load(cls, user_file: Path | None = None) -> Profiles:
        """The built-in profiles, changed by the user's file if there is one.

        Raises `ConfigurationError` naming the file and what is wrong in it.
        """
        return cls(read_tables(user_file))

    def profile_of(self, agent_type: AgentType | str, model: str) -> ModelProfile:
        """The rules for this model: the longest beginning of its name that is listed, else the
        newest rules of the agent type. `RequestRejectedError` for another vendor's model."""
        key = (AgentType(agent_type), model)
        profile = self._found.get(key)
        if profile is None:
            if len(self._found) >= _REMEMBERED:  # names come from messages: anybody's
                self._found.clear()
            profile = self._found[key] = self._find(key[0], self.plain_name(*key))
        return profile

    def default_model(self, agent_type: AgentType | str) -> str:
        """The model to take when nobody says; empty where there is none to choose."""
        return self._agents[AgentType(agent_type)].default_model

    def plain_name(self, agent_type: AgentType | str, model: str) -> str:
        """The name as the vendor spells it: without `openai/`, `models/` and their like."""
        for prefix in self._agents[AgentType(agent_type)].strip:
            model = model.removeprefix(prefix)
        return model

    def usable_model(
        self,
        agent_type: AgentType | str,
        model: str,
        today: date,
        when_retired: WhenRetired = "replace",
    ) -> str:
        """The model's plain name, or that of its replacement if it is retired.

        One warning per model names date and replacement; `"refuse"` makes a
        `RequestRejectedError` of it. A model that retires within 60 days is warned of, too.
        """
        name = self.plain_name(agent_type, model)
        profile = self.profile_of(agent_type, name)
        if profile.retires is None:
            return name
        if not profile.is_retired(today):
            if (profile.retires - today).days <= _SOON_DAYS:
                self._say_once(
                    f"model {name!r} will be retired on {profile.retires}; its replacement is"
                    f" {profile.replacement!r}"
                )
            return name
        text = f"model {name!r} was retired on {profile.retires}"
        if when_retired == "refuse" or not profile.replacement:
            raise RequestRejectedError(f"{text}; ask for {profile.replacement!r} instead")
        self._say_once(f"{text}; {profile.replacement!r} answers in its place")
        return self.usable_model(agent_type, profile.replacement, today, when_retired)

    def supported_models(self, agent_type: AgentType | str) -> dict[str, ModelProfile]:
        """The listed models of this agent type, by the beginnings of their names."""
        return {
            name: profile
            for name, profile in self._models.items()
            if profile.agent_type == AgentType(agent_type)
        }

    def _find(self, agent_type: AgentType, name: str) -> ModelProfile:
        newest = self._families[self._agents[agent_type].newest]
        listed = [prefix for prefix in self._models if _begins(name, prefix)]
        if not listed:
            return newest
        profile = self._models[max(listed, key=len)]
        if profile.agent_type is agent_type:
            return profile
        if newest.agent_type is AgentType.CUSTOM:  # such a server may call its models anything
            return newest
        raise RequestRejectedError(
            f"{name!r} is a model of {profile.agent_type}, not of {agent_type}"
        )

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            _log.warning("model_retirement", extra={"fields": {"text": text}})


def _begins(name: str, prefix: str) -> bool:
    """Where a word ends: `gpt-5` begins `gpt-5-mini`, and neither `gpt-5.1` nor `gpt-50`."""
    rest = name[len(prefix) : len(prefix) + 1]
    return name.startswith(prefix) and not rest.isalnum() and rest != "."


@cache
def builtin_profiles() -> Profiles:
    """The profiles of this release."""
    return Profiles.load()
