"""From an agent type to a provider."""

import sys
import time
from typing import Any

import pytest

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions import (
    BaseLlm,
    LlmFactory,
    Providers,
    ScriptedLlm,
    ScriptedProviders,
)
from llmbus.worker.llm_abstractions.errors import AccountError

KEY = "sk-unit-test-0123456789"


@pytest.fixture(autouse=True)
def no_key_comes_from_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def without_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing of the extra were installed, and nothing had been imported before."""

    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr("llmbus.worker.llm_abstractions.factory.find_spec", nothing)
    for module in ("openai", "aiohttp"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(LlmFactory, "_loaded", {})


def scripted(model: str | None = None, **_kwargs: Any) -> BaseLlm:
    return ScriptedLlm(model)


def test_provider_is_made_for_the_default_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    llm = LlmFactory.get_provider(AgentType.OPENAI_GPT)
    assert (llm.provider, llm.model) == ("openai-gpt", "gpt-4o")


def test_agent_type_may_be_a_plain_string_and_the_key_an_argument() -> None:
    assert LlmFactory.get_provider("openai-gpt", "gpt-4.1", api_key=KEY).model == "gpt-4.1"


@pytest.mark.parametrize("agent_type", ["anthropic-claude", "custom", "no-such"])
def test_unsupported_agent_type_is_a_value_error_that_names_it(agent_type: str) -> None:
    with pytest.raises(ValueError, match=f"'{agent_type}'"):
        LlmFactory.get_provider(agent_type)
    assert not LlmFactory.is_provider_available(agent_type)


@pytest.mark.usefixtures("without_sdk")
async def test_missing_sdk_is_an_import_error_that_names_the_extra() -> None:
    with pytest.raises(ImportError, match=r"openai, aiohttp: pip install 'llmbus\[openai\]'"):
        LlmFactory.get_provider("openai-gpt", api_key=KEY)
    with pytest.raises(ImportError, match=r"llmbus\[openai\]"):
        await LlmFactory.load("openai-gpt")


@pytest.mark.usefixtures("without_sdk")
def test_provider_without_sdk_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert not LlmFactory.is_provider_available("openai-gpt")


@pytest.mark.parametrize("value", [None, "", " \n"])
def test_missing_key_is_a_runtime_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(RuntimeError, match="set OPENAI_API_KEY"):
        LlmFactory.get_provider("openai-gpt", api_key=None)
    assert not LlmFactory.is_provider_available("openai-gpt")


def test_available_providers_have_sdk_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LlmFactory.list_available_providers() == []
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert LlmFactory.list_available_providers() == [AgentType.OPENAI_GPT]


def test_key_that_no_header_can_carry_is_refused_without_showing_it() -> None:
    with pytest.raises(AccountError, match="API key holds") as caught:
        LlmFactory.get_provider("openai-gpt", api_key="sk-split\nkey-0123456789")
    assert "0123456789" not in repr(caught.value)


async def test_registered_provider_replaces_the_built_in_one_until_it_is_undone() -> None:
    with LlmFactory.registered("openai-gpt", scripted):
        assert isinstance(LlmFactory.get_provider("openai-gpt", "m"), ScriptedLlm)
        assert LlmFactory.list_available_providers() == [AgentType.OPENAI_GPT]
        await LlmFactory.load("openai-gpt")
    assert LlmFactory.list_available_providers() == []


def test_register_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LlmFactory, "_registered", {})
    LlmFactory.register(AgentType.CUSTOM, scripted)
    assert LlmFactory.get_provider("custom").provider == "scripted"


def test_lookup_of_a_loaded_provider_takes_microseconds() -> None:
    LlmFactory.get_provider("openai-gpt", api_key=KEY)

    def lookups_seconds(count: int = 1_000) -> float:
        start = time.perf_counter()
        for _ in range(count):
            LlmFactory.get_provider("openai-gpt", "gpt-4o", api_key=KEY)
        return (time.perf_counter() - start) / count

    assert min(lookups_seconds() for _ in range(5)) < 50e-6


@pytest.mark.parametrize("providers", [LlmFactory, ScriptedProviders()])
async def test_worker_can_be_run_with_either(providers: Providers) -> None:
    await providers.load("openai-gpt")
    llm = providers.get_provider("openai-gpt", "gpt-4o", api_key=KEY)
    assert isinstance(llm, BaseLlm)
    assert llm.model == "gpt-4o"
    assert providers.is_provider_available("openai-gpt") is (providers is not LlmFactory)
    await providers.aclose()
