"""What a script gets to know of our environment: what it needs, and no other provider's key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from llmbus.shared.agents import AgentType
from llmbus.worker.llm_abstractions.provider_specs import SPECS

__all__ = ["ADDRESS_VARIABLES", "script_environment", "secrets_of"]

_FILES: Final = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "LLMBUS_MODEL_PROFILES",
    "LLMBUS_SCRIPTED",
)
"""May be relative to our folder, which is not the script's."""
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_ALWAYS: Final = (
    "PATH",
    "LANG",
    "TZ",
    "SYSTEMROOT",
    "LLMBUS_RETIRED_MODELS",
    "LLMBUS_STRICT_PARAMETERS",
    *_FILES,
    *_PROXIES,
    *(name.lower() for name in _PROXIES),
)
ADDRESS_VARIABLES: Final = {
    AgentType.ANTHROPIC_CLAUDE: ("ANTHROPIC_BASE_URL",),
    AgentType.OPENAI_GPT: ("OPENAI_BASE_URL",),
    AgentType.GOOGLE_GEMINI: ("GOOGLE_GEMINI_BASE_URL",),
}
"""Those of the vendors' SDKs; a server of one's own has ours."""
_ACCOUNT_VARIABLES: Final = {AgentType.OPENAI_GPT: ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID")}
"""Read by the SDK itself, and decide who pays."""


def script_environment(
    agent_type: AgentType, ours: Mapping[str, str], folder: Path
) -> dict[str, str]:
    """The environment for a script of this agent type, whose home is the given folder."""
    wanted = {*_ALWAYS, *_key_variables(agent_type), *ADDRESS_VARIABLES.get(agent_type, ())}
    wanted |= {*_ACCOUNT_VARIABLES.get(agent_type, ())}
    for spec in SPECS[agent_type]:
        wanted |= {*spec.endpoint_variables, *spec.model_variables}
    passed = {
        name: value for name, value in ours.items() if name in wanted or name.startswith("LC_")
    }
    for name in _FILES:
        if passed.get(name):
            passed[name] = str(Path(passed[name]).absolute())
    return passed | {"HOME": str(folder), "TMPDIR": str(folder)}


def secrets_of(agent_type: AgentType, environment: Mapping[str, str]) -> list[str]:
    """The values in this environment that must not be repeated anywhere: keys, and the passwords in
    addresses."""
    keys = [environment.get(name, "").strip() for name in _key_variables(agent_type)]
    passwords = [_password_in(value) for value in environment.values() if "://" in value]
    return [value for value in (*keys, *passwords, *map(unquote, passwords)) if value]


def _password_in(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""


def _key_variables(agent_type: AgentType) -> set[str]:
    return {name for spec in SPECS[agent_type] for name in spec.key_variables}
