"""The built-in providers: where each one's code is and what it needs, known without importing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Final

import msgspec

from llmbus.shared import AgentType
from llmbus.shared.agents import API_KEY_VARIABLES

__all__ = ["SPECS", "ProviderSpec", "setting"]

_LAYER: Final = "llmbus.worker.llm_abstractions"


class ProviderSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One provider on one SDK. Of several variables, the first that is set counts."""

    package: str
    class_name: str
    sdk_modules: tuple[str, ...]
    extra: str
    """What to install: `pip install 'llmbus[…]'`."""
    key_variables: tuple[str, ...]
    endpoint_variables: tuple[str, ...] = ()
    """For servers of one's own: an address is a must there, and a key is not."""
    model_variables: tuple[str, ...] = ()

    def missing_modules(self) -> list[str]:
        """Those of the SDK that are not installed."""
        return [name for name in self.sdk_modules if not _is_installed(name)]


def _own_server(class_name: str, *prefixes: str) -> ProviderSpec:
    return ProviderSpec(
        package=f"{_LAYER}.openai_llm",
        class_name=class_name,
        sdk_modules=("openai", "aiohttp"),
        extra="openai",
        key_variables=tuple(f"{prefix}_API_KEY" for prefix in prefixes),
        endpoint_variables=tuple(f"{prefix}_ENDPOINT" for prefix in prefixes),
        model_variables=tuple(f"{prefix}_MODEL" for prefix in prefixes),
    )


SPECS: Final[Mapping[AgentType, tuple[ProviderSpec, ...]]] = {
    AgentType.ANTHROPIC_CLAUDE: (
        ProviderSpec(
            package=f"{_LAYER}.anthropic",
            class_name="AnthropicLlm",
            sdk_modules=("anthropic", "aiohttp"),
            extra="anthropic",
            key_variables=(API_KEY_VARIABLES[AgentType.ANTHROPIC_CLAUDE],),
        ),
    ),
    AgentType.OPENAI_GPT: (
        ProviderSpec(
            package=f"{_LAYER}.openai_llm",
            class_name="OpenAILlm",
            sdk_modules=("openai", "aiohttp"),
            extra="openai",
            key_variables=(API_KEY_VARIABLES[AgentType.OPENAI_GPT],),
        ),
    ),
    AgentType.GOOGLE_GEMINI: (
        ProviderSpec(
            package=f"{_LAYER}.gemini",
            class_name="GeminiLlm",
            sdk_modules=("google.genai", "aiohttp"),
            extra="gemini",
            key_variables=(API_KEY_VARIABLES[AgentType.GOOGLE_GEMINI],),
        ),
        ProviderSpec(
            package=f"{_LAYER}.gemini",
            class_name="GeminiLegacyLlm",
            sdk_modules=("google.generativeai",),
            extra="gemini-legacy",
            key_variables=(API_KEY_VARIABLES[AgentType.GOOGLE_GEMINI],),
        ),
    ),
    AgentType.META_LLAMA: (_own_server("MetaLlamaLlm", "META_LLAMA", "CUSTOM_LLM"),),
    AgentType.CUSTOM: (_own_server("CustomLlm", "CUSTOM_LLM"),),
}
"""By agent type, the SDK that is preferred first."""


def setting(variables: Iterable[str]) -> str:
    """The first of these environment variables that is set, or an empty text. Stripped, because a
    key that was read from a file often ends with a newline."""
    for variable in variables:
        if value := os.environ.get(variable, "").strip():
            return value
    return ""


def _is_installed(module: str) -> bool:
    if module in sys.modules:
        return True
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent package
        return False
