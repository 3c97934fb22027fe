"""`LlmFactory`: from an agent type to a provider that is ready to ask."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, Final, Protocol

import msgspec

from llmbus.shared import AgentType
from llmbus.shared.agents import API_KEY_VARIABLES
from llmbus.worker.llm_abstractions.base_llm import BaseLlm
from llmbus.worker.llm_abstractions.clients import close_clients
from llmbus.worker.llm_abstractions.errors import (
    MissingApiKeyError,
    MissingDependenciesError,
    UnsupportedAgentTypeError,
)

__all__ = ["LlmFactory", "ProviderBuilder", "Providers"]


class Providers(Protocol):
    """What a worker needs of providers: the class `LlmFactory`, or a `ScriptedProviders`."""

    def get_provider(
        self, agent_type: AgentType | str, model: str | None = None, **kwargs: Any
    ) -> BaseLlm:
        """As `LlmFactory.get_provider`."""
        ...

    def is_provider_available(self, agent_type: AgentType | str) -> bool:
        """As `LlmFactory.is_provider_available`."""
        ...

    async def load(self, agent_type: AgentType | str) -> None:
        """As `LlmFactory.load`."""
        ...

    async def aclose(self) -> None:
        """As `LlmFactory.aclose`."""
        ...


class ProviderBuilder(Protocol):
    """Makes a provider; gets what `LlmFactory.get_provider` was called with."""

    def __call__(self, model: str | None = None, **kwargs: Any) -> BaseLlm:
        """A provider of this model, or of its default one."""
        ...


class _ProviderSpec(msgspec.Struct, frozen=True):
    """Where a provider's code is and what it needs, known without importing it."""

    module: str
    class_name: str
    sdk_modules: tuple[str, ...]
    extra: str


_SPECS: Final[Mapping[AgentType, _ProviderSpec]] = {
    AgentType.OPENAI_GPT: _ProviderSpec(
        module="llmbus.worker.llm_abstractions.openai_llm",
        class_name="OpenAILlm",
        sdk_modules=("openai", "aiohttp"),
        extra="openai",
    ),
}


class LlmFactory:
    """The providers of this process. A provider's code and its SDK are imported when it is first
    asked for; await `load` before, or that import stalls the event loop for about a second."""

    _registered: ClassVar[dict[AgentType, ProviderBuilder]] = {}
    _loaded: ClassVar[dict[AgentType, ProviderBuilder]] = {}

    @classmethod
    def get_provider(
        cls, agent_type: AgentType | str, model: str | None = None, **kwargs: Any
    ) -> BaseLlm:
        """The provider of this agent type for `model`, or for its default model.

        `api_key` and `api_endpoint` in `kwargs` override the environment unless they are None.
        Raises `UnsupportedAgentTypeError` (a `ValueError`), `MissingDependenciesError` (an
        `ImportError`) naming the extra to install, or `MissingApiKeyError` (a `RuntimeError`)
        naming the environment variable to set.
        """
        known_type = _known(agent_type)
        if registered := cls._registered.get(known_type):
            return registered(model=model, **kwargs)
        provider_class = cls._loaded.get(known_type) or cls._import(known_type)
        kwargs["api_key"] = kwargs.get("api_key") or _key_in_environment(known_type)
        if not kwargs["api_key"]:
            variable = API_KEY_VARIABLES[known_type]
            raise MissingApiKeyError(f"no API key for {known_type}: set {variable}")
        return provider_class(model or None, **kwargs)

    @classmethod
    def list_available_providers(cls) -> list[AgentType]:
        """The agent types that could be asked here and now."""
        return [agent_type for agent_type in AgentType if cls.is_provider_available(agent_type)]

    @classmethod
    def is_provider_available(cls, agent_type: AgentType | str) -> bool:
        """Whether the SDK is installed and a key is set. Imports nothing, asks nobody."""
        try:
            known_type = _known(agent_type)
            return known_type in cls._registered or (
                not _missing_modules(_spec(known_type)) and bool(_key_in_environment(known_type))
            )
        except UnsupportedAgentTypeError:
            return False

    @classmethod
    async def load(cls, agent_type: AgentType | str) -> None:
        """Import the provider and its SDK in a thread, so that `get_provider` need not.

        Raises what `get_provider` raises for an unsupported type or a missing SDK.
        """
        known_type = _known(agent_type)
        if known_type not in cls._registered and known_type not in cls._loaded:
            await asyncio.to_thread(cls._import, known_type)

    @classmethod
    async def aclose(cls) -> None:
        """Close all connections that providers opened on the running event loop."""
        await close_clients()

    @classmethod
    def register(cls, agent_type: AgentType | str, build: ProviderBuilder) -> None:
        """Use `build` for this agent type from now on, in place of a built-in provider too.

        Nothing but `build` is asked then: no SDK and no key is looked for. A provider whose
        connections come from `clients.shared_client` has them closed by `aclose`.
        """
        cls._registered[_known(agent_type)] = build

    @classmethod
    @contextmanager
    def registered(cls, agent_type: AgentType | str, build: ProviderBuilder) -> Generator[None]:
        """`register` for as long as the block runs; for tests."""
        before = dict(cls._registered)
        cls.register(agent_type, build)
        try:
            yield
        finally:
            cls._registered = before

    @classmethod
    def _import(cls, agent_type: AgentType) -> ProviderBuilder:
        spec = _spec(agent_type)
        if missing := _missing_modules(spec):
            raise MissingDependenciesError(
                f"{agent_type} needs {', '.join(missing)}: pip install 'llmbus[{spec.extra}]'"
            )
        provider_class: ProviderBuilder = getattr(import_module(spec.module), spec.class_name)
        cls._loaded[agent_type] = provider_class
        return provider_class


def _known(agent_type: AgentType | str) -> AgentType:
    try:
        return AgentType(agent_type)
    except ValueError:
        known = ", ".join(AgentType)
        raise UnsupportedAgentTypeError(
            f"agent type {agent_type!r} is unknown (known: {known})"
        ) from None


def _spec(agent_type: AgentType) -> _ProviderSpec:
    spec = _SPECS.get(agent_type)
    if spec is None:
        raise UnsupportedAgentTypeError(
            f"no provider for agent type {agent_type.value!r} (there are: {', '.join(_SPECS)});"
            " register your own with LlmFactory.register"
        )
    return spec


def _key_in_environment(agent_type: AgentType) -> str:
    """Stripped, because a key that was read from a file often ends with a newline."""
    return os.environ.get(API_KEY_VARIABLES[agent_type], "").strip()


def _missing_modules(spec: _ProviderSpec) -> list[str]:
    return [name for name in spec.sdk_modules if name not in sys.modules and not find_spec(name)]
