"""Which providers answer in this process, and which lanes follow from that."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from llmbus.shared.agents import AgentType
from llmbus.shared.errors import ConfigurationError
from llmbus.worker.llm_abstractions import LlmFactory, Providers, ScriptedProviders
from llmbus.worker.llm_abstractions.errors import ProviderUnusableError
from llmbus.worker.settings import WorkerSettings

__all__ = ["configured_providers", "usable_models", "with_usable_lanes"]

_log = logging.getLogger("llmbus.worker")


def configured_providers(scripted: Path | None) -> Providers:
    """The real ones, or those of a script file; `ConfigurationError` for a wrong file."""
    return LlmFactory if scripted is None else ScriptedProviders.from_file(scripted)


def with_usable_lanes(settings: WorkerSettings, providers: Providers) -> WorkerSettings:
    """The settings, with every agent type that is usable here where they name no lane.
    `ConfigurationError` if there is none."""
    if settings.lanes:
        return settings
    usable = tuple(str(kind) for kind in AgentType if providers.is_provider_available(kind))
    if not usable:
        raise ConfigurationError(
            "no provider is usable here: install one (pip install 'llmbus[openai]', [anthropic] or"
            " [gemini]) and set its key (OPENAI_API_KEY, ANTHROPIC_API_KEY, GOOGLE_API_KEY), name"
            " the lanes (LLMBUS_LANES, --lanes), or give scripted answers (LLMBUS_SCRIPTED,"
            " --scripted)"
        )
    return settings.model_copy(update={"lanes": usable})


async def usable_models(providers: Providers, lanes: Collection[str]) -> dict[AgentType, str]:
    """The default model of every agent type that can really be asked here. Loads their SDKs now,
    so that the first task does not wait for an import."""
    usable: dict[AgentType, str] = {}
    for agent_type in AgentType:
        wanted = agent_type in lanes
        # A lane that is not named after an agent type may carry tasks for any of them.
        if not wanted and set(lanes) <= set(AgentType):
            continue
        try:
            await providers.load(agent_type)
            usable[agent_type] = providers.get_provider(agent_type).model
        except ProviderUnusableError as error:
            if wanted:
                fields = {"lane": agent_type.value, "reason": str(error)}
                _log.warning("lane_unusable", extra={"fields": fields})
    return usable
