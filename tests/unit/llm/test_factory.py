"""From an agent type to a provider."""

import sys
import time
from typing import Any

import msgspec
import pytest

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions import (
    BaseLlm,
    LlmFactory,
    Providers,
    ScriptedLlm,
    ScriptedProviders,
)
from llmbus.worker.llm_abstractions.errors import AccountError, RequestRejectedError
from llmbus.worker.llm_abstractions.provider_specs import SPECS

_VARIABLES = [
    f"{prefix}_{name}"
    for prefix in ("OPENAI", "ANTHROPIC", "GOOGLE", "CUSTOM_LLM", "META_LLAMA")
    for name in ("API_KEY", "BASE_URL", "ENDPOINT", "MODEL")
]
KEY = "sk-unit-test-0123456789"


@pytest.fixture(autouse=True)
def no_key_comes_from_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in _VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def without_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing of the extra were installed, and nothing had been imported before."""

    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr("llmbus.worker.llm_abstractions.provider_specs.find_spec", nothing)
    for module in ("openai", "aiohttp", "anthropic", "google.genai", "google.generativeai"):
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


def test_unsupported_agent_type_is_a_value_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="'no-such'"):
        LlmFactory.get_provider("no-such")
    assert not LlmFactory.is_provider_available("no-such")


@pytest.mark.parametrize(
    ("agent_type", "extra"),
    [
        ("anthropic-claude", "anthropic"),
        ("google-gemini", "gemini"),
        ("meta-llama", "openai"),
        ("custom", "openai"),
    ],
)
@pytest.mark.usefixtures("without_sdk")
def test_every_agent_type_names_its_extra(agent_type: str, extra: str) -> None:
    with pytest.raises(ImportError, match=rf"llmbus\[{extra}\]"):
        LlmFactory.get_provider(agent_type, api_key=KEY, api_endpoint="http://127.0.0.1:1")


def test_gemini_falls_back_to_the_old_sdk_where_only_that_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def only_the_old(name: str) -> object:
        return None if name == "google.genai" else object()

    monkeypatch.setattr("llmbus.worker.llm_abstractions.provider_specs.find_spec", only_the_old)
    monkeypatch.delitem(sys.modules, "google.genai", raising=False)
    preferred, old = SPECS[AgentType.GOOGLE_GEMINI]
    assert preferred.missing_modules() == ["google.genai"]
    assert old.missing_modules() == []
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    assert LlmFactory.is_provider_available("google-gemini")


def test_sdk_whose_parent_package_is_missing_is_not_installed() -> None:
    spec = msgspec.structs.replace(
        SPECS[AgentType.CUSTOM][0], sdk_modules=("no_such_package.of_this_name",)
    )
    assert spec.missing_modules() == ["no_such_package.of_this_name"]


def test_own_server_needs_an_address_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="set CUSTOM_LLM_ENDPOINT"):
        LlmFactory.get_provider("custom", "a-model")
    monkeypatch.setenv("CUSTOM_LLM_ENDPOINT", "http://127.0.0.1:8000/v1")
    monkeypatch.setenv("CUSTOM_LLM_MODEL", "my-model")
    assert LlmFactory.get_provider("custom").model == "my-model"
    assert LlmFactory.list_available_providers() == [AgentType.META_LLAMA, AgentType.CUSTOM]


def test_llama_may_have_an_address_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_LLAMA_ENDPOINT", "http://127.0.0.1:8001/v1")
    llm = LlmFactory.get_provider("meta-llama", "llama-4")
    assert (llm.provider, llm.model) == ("meta-llama", "llama-4")
    assert not LlmFactory.is_provider_available("custom")


def test_own_server_without_a_model_is_refused_by_name() -> None:
    with pytest.raises(RequestRejectedError, match=r"for custom:.* set CUSTOM_LLM_MODEL$"):
        LlmFactory.get_provider("custom", api_endpoint="http://127.0.0.1:8000/v1")


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
    with pytest.raises(AccountError, match="API key for openai-gpt holds") as caught:
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
