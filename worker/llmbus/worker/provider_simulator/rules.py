"""Which rules the services apply to which model: the data of `llm_abstractions.profiles`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final

from llmbus.shared.agents import AgentType
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.profiles import ModelProfile, builtin_profiles
from llmbus.worker.provider_simulator.behaviour import Vendor

__all__ = ["RulesOfModels"]

_AGENT_TYPES: Final = {
    Vendor.ANTHROPIC: AgentType.ANTHROPIC_CLAUDE,
    Vendor.OPENAI: AgentType.OPENAI_GPT,
    Vendor.GEMINI: AgentType.GOOGLE_GEMINI,
}
_OF_OPENAI: Final = re.compile(r"(gpt|chatgpt|codex|o\d)\b")


class RulesOfModels:
    """The profiles that the project ships, on the day that `today` says."""

    def __init__(self, today: Callable[[], date]) -> None:
        self._today = today
        self._profiles = builtin_profiles()

    def served(self, vendor: Vendor, model: str) -> ModelProfile | None:
        """The rules for this model; None if the service does not know it: it is retired, someone
        else's, or still has the prefix by which another program tells vendors apart.

        An unknown name has the newest rules of its vendor. On OpenAI's API one that is none of
        OpenAI's has the rules of a compatible server (vLLM, Ollama, llama.cpp).
        """
        agent_type = _AGENT_TYPES[vendor]
        if self._profiles.plain_name(agent_type, model) != model:
            return None
        if vendor is Vendor.OPENAI and not _OF_OPENAI.match(model):
            agent_type = AgentType.CUSTOM
        try:
            profile = self._profiles.profile_of(agent_type, model)
        except RequestRejectedError:
            return None
        return None if profile.is_retired(self._today()) else profile

    def names(self, vendor: Vendor) -> list[str]:
        """The listed models that are alive."""
        models = self._profiles.supported_models(_AGENT_TYPES[vendor])
        return [name for name, profile in models.items() if not profile.is_retired(self._today())]
