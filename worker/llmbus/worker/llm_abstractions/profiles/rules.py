"""How a provider applies the model profiles: which model is taken, and what of a request is left
out because the model rejects it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from pydantic_settings import BaseSettings, SettingsConfigDict

from llmbus.shared import AgentType
from llmbus.shared.settings import read_settings
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.profiles import (
    ModelProfile,
    Profiles,
    WhenRetired,
    builtin_profiles,
)
from llmbus.worker.llm_abstractions.provider_specs import SPECS

__all__ = ["ChosenModel", "ModelRules", "ModelSettings", "configured_rules"]

_log = logging.getLogger("llmbus.worker.llm")


class ModelSettings(BaseSettings):
    """What may be set about models."""

    model_config = SettingsConfigDict(
        env_prefix="LLMBUS_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        protected_namespaces=(),
    )

    model_profiles: Path | None = None
    """LLMBUS_MODEL_PROFILES: a TOML file that replaces or adds model profiles."""
    retired_models: WhenRetired = "replace"
    """LLMBUS_RETIRED_MODELS: `replace` a retired model, with a warning, or `refuse` the request."""
    strict_parameters: bool = False
    """LLMBUS_STRICT_PARAMETERS: refuse a request with a parameter that the model rejects, in place
    of leaving the parameter out with a warning."""


class ChosenModel(NamedTuple):
    """The model that is asked, by the vendor's own name, and its rules."""

    name: str
    profile: ModelProfile


def _today() -> date:
    return datetime.now(UTC).date()


class ModelRules:
    """The profiles and the settings about them, for one process or one provider."""

    def __init__(
        self,
        profiles: Profiles | None = None,
        *,
        when_retired: WhenRetired = "replace",
        strict_parameters: bool = False,
        today: Callable[[], date] = _today,
    ) -> None:
        self.profiles: Final = profiles or builtin_profiles()
        self._when_retired: Final[WhenRetired] = when_retired
        self._strict: Final = strict_parameters
        self._today: Final = today
        self._said: Final[set[tuple[str, str]]] = set()

    @classmethod
    def from_settings(cls, settings: ModelSettings) -> ModelRules:
        """As set. `ConfigurationError` names what is wrong in the profiles file."""
        return cls(
            Profiles.load(settings.model_profiles) if settings.model_profiles else None,
            when_retired=settings.retired_models,
            strict_parameters=settings.strict_parameters,
        )

    def choose(self, agent_type: AgentType | str, model: str | None) -> ChosenModel:
        """The model to ask, or the agent type's default one. Raises `RequestRejectedError` for
        another vendor's model, a retired one that is not replaced, and where nobody names one."""
        wanted = model or self.profiles.default_model(agent_type)
        if not wanted:
            variables = SPECS[AgentType(agent_type)][0].model_variables
            raise RequestRejectedError(
                f"no model is named for {agent_type}: name one in the task or its agent"
                + "".join(f", or set {variable}" for variable in variables)
            )
        name = self.profiles.usable_model(agent_type, wanted, self._today(), self._when_retired)
        return ChosenModel(name, self.profiles.profile_of(agent_type, name))

    def leave_out(self, model: str, parameter: str, reason: str) -> None:
        """Say that this parameter of a request is not sent: a warning, one per model and
        parameter; `RequestRejectedError` where parameters are strict."""
        text = f"{parameter} is left out for {model}: {reason}"
        if self._strict:
            raise RequestRejectedError(f"{model} takes no {parameter}: {reason}")
        if (model, parameter) not in self._said:
            self._said.add((model, parameter))
            _log.warning("parameter_left_out", extra={"fields": {"text": text}})


@cache
def configured_rules() -> ModelRules:
    """The rules that the environment sets, read once per process."""
    return ModelRules.from_settings(read_settings(ModelSettings))
