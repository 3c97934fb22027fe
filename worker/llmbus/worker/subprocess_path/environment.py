"""What a script gets to know of our environment: what it needs, and no other provider's key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from llmbus.shared.agents import AgentType
from llmbus.worker.llm_abstractions.provider_specs import SPECS

__all__ = ["ADDRESS_VARIABLES", "script_environment", "secrets_of"]

_ALWAYS: Final = (
    "PATH",
    "LANG",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SYSTEMROOT",
    "LLMBUS_MODEL_PROFILES",
    "LLMBUS_RETIRED_MODELS",
    "LLMBUS_STRICT_PARAMETERS",
    "LLMBUS_SCRIPTED",
)
ADDRESS_VARIABLES: Final = {
    AgentType.ANTHROPIC_CLAUDE: ("ANTHROPIC_BASE_URL",),
    AgentType.OPENAI_GPT: ("OPENAI_BASE_URL",),
    AgentType.GOOGLE_GEMINI: ("GOOGLE_GEMINI_BASE_URL",),
}
"""Those of the vendors' SDKs; a server of one's own has ours."""


def script_environment(
    agent_type: AgentType, ours: Mapping[str, str], folder: Path
) -> dict[str, str]:
    """The environment for a script of this agent type, whose home is the given folder."""
    wanted = {*_ALWAYS, *_key_variables(agent_type), *ADDRESS_VARIABLES.get(agent_type, ())}
    for spec in SPECS[agent_type]:
        wanted |= {*spec.endpoint_variables, *spec.model_variables}
    passed = {
        name: value for name, value in ours.items() if name in wanted or name.startswith("LC_")
    }
    return passed | {"HOME": str(folder), "TMPDIR": str(folder)}


def secrets_of(agent_type: AgentType, environment: Mapping[str, str]) -> list[str]:
    """The values in this environment that must not be repeated anywhere."""
    values = (environment.get(name, "").strip() for name in _key_variables(agent_type))
    return [value for value in values if value]


def _key_variables(agent_type: AgentType) -> set[str]:
    return {name for spec in SPECS[agent_type] for name in spec.key_variables}
