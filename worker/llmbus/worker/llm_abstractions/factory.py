"""`LlmFactory`: from an agent type to a provider that is ready to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, ClassVar, Protocol

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.accounting import load_prices
from llmbus.worker.llm_abstractions.base_llm import BaseLlm
from llmbus.worker.llm_abstractions.clients import close_clients
from llmbus.worker.llm_abstractions.errors import (
    MissingApiKeyError,
    MissingDependenciesError,
    MissingEndpointError,
    UnsupportedAgentTypeError,
)
from llmbus.worker.llm_abstractions.provider_specs import SPECS, ProviderSpec, setting

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
        `ImportError`) naming the extra to install, `MissingApiKeyError` or
        `MissingEndpointError` (each a `RuntimeError`) naming the environment variable to set,
        or `RequestRejectedError` for a model that cannot be asked.
        """
        known_type = _known(agent_type)
        if registered := cls._registered.get(known_type):
            return registered(model=model, **kwargs)
        provider_class = cls._loaded.get(known_type) or cls._import(known_type)
        spec = SPECS[known_type][0]
        kwargs["api_key"] = kwargs.get("api_key") or setting(spec.key_variables)
        kwargs["api_endpoint"] = kwargs.get("api_endpoint") or setting(spec.endpoint_variables)
        if spec.endpoint_variables and not kwargs["api_endpoint"]:
            raise MissingEndpointError(
                f"no address for {known_type}: set {spec.endpoint_variables[0]}"
            )
        if not spec.endpoint_variables and not kwargs["api_key"]:
            raise MissingApiKeyError(f"no API key for {known_type}: set {spec.key_variables[0]}")
        return provider_class(model or setting(spec.model_variables) or None, **kwargs)

    @classmethod
    def list_available_providers(cls) -> list[AgentType]:
        """The agent types that could be asked here and now."""
        return [agent_type for agent_type in AgentType if cls.is_provider_available(agent_type)]

    @classmethod
    def is_provider_available(cls, agent_type: AgentType | str) -> bool:
        """Whether the SDK is installed and a key is set (for a server of one's own: its address).
        Imports nothing, asks nobody."""
        try:
            known_type = _known(agent_type)
        except UnsupportedAgentTypeError:
            return False
        if known_type in cls._registered:
            return True
        spec = _installed(known_type)
        return not spec.missing_modules() and bool(
            setting(spec.endpoint_variables or spec.key_variables)
        )

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
        spec = _installed(agent_type)
        if missing := spec.missing_modules():
            raise MissingDependenciesError(
                f"{agent_type} needs {', '.join(missing)}: pip install 'llmbus[{spec.extra}]'"
            )
        provider_class: ProviderBuilder = getattr(import_module(spec.package), spec.class_name)
        load_prices()
        cls._loaded[agent_type] = provider_class
        return provider_class


def _installed(agent_type: AgentType) -> ProviderSpec:
    """The first whose SDK is installed, else the one to install."""
    specs = SPECS[agent_type]
    return next((spec for spec in specs if not spec.missing_modules()), specs[0])


def _known(agent_type: AgentType | str) -> AgentType:
    try:
        return AgentType(agent_type)
    except ValueError:
        known = ", ".join(AgentType)
        raise UnsupportedAgentTypeError(
            f"agent type {agent_type!r} is unknown (known: {known})"
        ) from None
