"""Which rules hold for which model, and what becomes of one that is retired."""

import logging
import time
from datetime import date
from pathlib import Path

import pytest

from llmbus.shared import AgentType
from llmbus.shared.errors import ConfigurationError
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.profiles import (
    Endpoint,
    Profiles,
    Sampling,
    Thinking,
    builtin_profiles,
)
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules, ModelSettings

TODAY = date(2026, 11, 22)
OPENAI = AgentType.OPENAI_GPT
CLAUDE = AgentType.ANTHROPIC_CLAUDE
GEMINI = AgentType.GOOGLE_GEMINI


@pytest.mark.parametrize(
    ("agent_type", "model", "family"),
    [
        (CLAUDE, "claude-sonnet-4-5-20250929", "claude-4-5"),
        (CLAUDE, "claude-opus-4-5-20251101", "claude-4-5"),
        (CLAUDE, "claude-opus-4-7", "claude-4-7"),
        (CLAUDE, "claude-sonnet-5", "claude-5"),
        (CLAUDE, "claude-sonnet-5-5", "claude-5-5"),
        (CLAUDE, "claude-opus-5-5", "claude-always-thinking"),
        (CLAUDE, "claude-from-the-future", "claude-5-5"),
        (OPENAI, "gpt-4o-2024-11-20", "gpt-4"),
        (OPENAI, "gpt-4.1-mini", "gpt-4"),
        (OPENAI, "gpt-5-mini", "gpt-always-thinking"),
        (OPENAI, "gpt-5.1", "gpt-5-1"),
        (OPENAI, "gpt-5.1-codex-max", "gpt-always-thinking"),
        (OPENAI, "gpt-5.2-pro-2025-12-11", "gpt-always-thinking"),
        (OPENAI, "gpt-5.6-sol", "gpt-5-5"),
        (OPENAI, "gpt-6.1-sol", "gpt-always-thinking"),
        (OPENAI, "gpt-50", "gpt-6"),
        (GEMINI, "gemini-2.5-pro", "gemini-2-5"),
        (GEMINI, "gemini-3.8-flash", "gemini-3"),
        (GEMINI, "gemini-9", "gemini-4"),
        (AgentType.CUSTOM, "whatever", "compatible-server"),
        (AgentType.META_LLAMA, "gpt-4o", "compatible-server"),
    ],
)
def test_longest_beginning_of_the_name_decides(
    agent_type: AgentType, model: str, family: str
) -> None:
    assert builtin_profiles().profile_of(agent_type, model).family == family


@pytest.mark.parametrize(
    ("agent_type", "model", "retires", "replacement"),
    [
        (CLAUDE, "claude-sonnet-4-5-20250929", date(2026, 11, 30), "claude-sonnet-5-5"),
        (OPENAI, "gpt-4o", date(2027, 1, 14), "gpt-6-luna"),
        (OPENAI, "gpt-4", date(2026, 10, 23), "gpt-6.1-terra"),
        (OPENAI, "gpt-4-turbo", date(2026, 10, 23), "gpt-6.1-terra"),
        (OPENAI, "gpt-5.1-codex-max", date(2026, 7, 23), "gpt-5.6-sol"),
        (GEMINI, "gemini-1.5-pro", date(2025, 9, 24), "gemini-3.8-flash"),
    ],
)
def test_plans_models_are_known_with_their_end(
    agent_type: AgentType, model: str, retires: date, replacement: str
) -> None:
    profiles = builtin_profiles()
    profile = profiles.profile_of(agent_type, model)
    assert (profile.retires, profile.replacement) == (retires, replacement)
    assert any(model.startswith(known) for known in profiles.supported_models(agent_type))
    assert profiles.usable_model(agent_type, model, date(2027, 2, 1)) == replacement


def test_every_row_says_where_it_is_from() -> None:
    for agent_type in AgentType:
        for name, profile in builtin_profiles().supported_models(agent_type).items():
            assert profile.source, name
            assert profile.family, name


@pytest.mark.parametrize("agent_type", [CLAUDE, OPENAI, GEMINI])
def test_defaults_are_alive(agent_type: AgentType) -> None:
    profiles = builtin_profiles()
    default = profiles.default_model(agent_type)
    assert not profiles.profile_of(agent_type, default).is_retired(TODAY)


@pytest.mark.parametrize(
    ("agent_type", "model", "name"),
    [
        (OPENAI, "openai/gpt-4o", "gpt-4o"),
        (GEMINI, "models/gemini-3.8-flash", "gemini-3.8-flash"),
        (CLAUDE, "anthropic/claude-sonnet-5-5", "claude-sonnet-5-5"),
        (AgentType.CUSTOM, "openai/gpt-oss", "openai/gpt-oss"),
    ],
)
def test_prefixes_of_other_programs_are_stripped(
    agent_type: AgentType, model: str, name: str
) -> None:
    assert builtin_profiles().usable_model(agent_type, model, TODAY) == name


def test_model_of_another_vendor_is_refused() -> None:
    with pytest.raises(RequestRejectedError, match="'claude-sonnet-5-5' is a model of anthropic"):
        builtin_profiles().profile_of(OPENAI, "claude-sonnet-5-5")


def test_retired_model_is_replaced_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    profiles = Profiles.load()
    for _ in range(3):
        assert profiles.usable_model(OPENAI, "gpt-4-turbo", TODAY) == "gpt-6.1-terra"
    (record,) = caplog.records
    assert "2026-10-23" in str(vars(record))
    assert "gpt-6.1-terra" in str(vars(record))


def test_retired_model_is_refused_on_request() -> None:
    with pytest.raises(RequestRejectedError, match=r"2026-10-23; ask for 'gpt-6\.1-terra'"):
        builtin_profiles().usable_model(OPENAI, "gpt-4", TODAY, "refuse")


def test_model_that_goes_soon_is_warned_of_and_asked(caplog: pytest.LogCaptureFixture) -> None:
    profiles = Profiles.load()
    model = "claude-sonnet-4-5-20250929"
    assert profiles.usable_model(CLAUDE, model, date(2026, 1, 1)) == model
    assert caplog.records == []
    assert profiles.usable_model(CLAUDE, model, TODAY) == model
    assert "2026-11-30" in str(vars(caplog.records[0]))
    assert profiles.usable_model(CLAUDE, model, date(2026, 11, 30)) == "claude-sonnet-5-5"


def test_lookup_takes_microseconds() -> None:
    rules = ModelRules(today=lambda: TODAY)
    rules.choose(OPENAI, "gpt-4o")
    start = time.perf_counter()
    for _ in range(1_000):
        rules.choose(OPENAI, "gpt-4o")
    assert (time.perf_counter() - start) / 1_000 < 50e-6


OWN = """
[agents.openai-gpt]
default_model = "gpt-6.1-terra"

[families.mine]
agent_type = "custom"
endpoint = "responses"
limit_parameter = "max_output_tokens"
sampling = "never"
thinking = "always"
source = "my server's manual"

[models."llama-9"]
family = "mine"

[models."gpt-4o"]
retires = 2026-01-01
"""


def test_users_file_replaces_and_adds(tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text(OWN)
    rules = ModelRules.from_settings(ModelSettings(model_profiles=file, retired_models="refuse"))
    assert rules.choose(OPENAI, None).name == "gpt-6.1-terra"
    mine = rules.choose("custom", "llama-9-70b").profile
    assert (mine.endpoint, mine.sampling, mine.thinking) == (
        Endpoint.RESPONSES,
        Sampling.NEVER,
        Thinking.ALWAYS,
    )
    assert rules.profiles.profile_of(OPENAI, "gpt-4o").replacement == "gpt-6-luna"
    with pytest.raises(RequestRejectedError, match="2026-01-01"):
        rules.choose(OPENAI, "gpt-4o")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("no toml", "Expected"),
        ("[modles.x]", "unknown tables: modles"),
        ('[models."m"]\nfamily = "nope"', "no family 'nope'"),
        ('[models."m"]\nfamily = "gpt-6"\nsampling = "often"', "models.m: Invalid enum value"),
        ('[models."m"]\nfamily = "gpt-6"\ncolour = "red"', "unknown field `colour`"),
        ('[agents.custom]\nnewest = "nope"', "no family nope"),
        ('[agents.nobody]\nnewest = "gpt-6"', "nobody"),
        ("models = 3", "has no attribute"),
        ('[models."gpt-6-luna"]\nreplacement = "gpt-4o"', "circle"),
    ],
)
def test_wrong_file_is_told_by_name_and_place(tmp_path: Path, text: str, wrong: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"PROFILES: .*mine\.toml") as caught:
        Profiles.load(file)
    assert wrong in str(caught.value)


def test_missing_file_is_told() -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        Profiles.load(Path("/no/such/profiles.toml"))


def test_left_out_parameter_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    rules = ModelRules()
    for model in ("m", "m", "n"):
        rules.leave_out(model, "temperature", "it rejects it")
    with caplog.at_level(logging.WARNING):
        assert [record.message for record in caplog.records] == ["parameter_left_out"] * 2


def test_left_out_parameter_is_refused_where_parameters_are_strict() -> None:
    rules = ModelRules(strict_parameters=True)
    with pytest.raises(RequestRejectedError, match="m takes no temperature: it rejects it"):
        rules.leave_out("m", "temperature", "it rejects it")


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMBUS_MODEL_PROFILES", "/etc/llmbus/profiles.toml")
    monkeypatch.setenv("LLMBUS_RETIRED_MODELS", "refuse")
    monkeypatch.setenv("LLMBUS_STRICT_PARAMETERS", "true")
    settings = ModelSettings()
    assert settings.model_profiles == Path("/etc/llmbus/profiles.toml")
    assert (settings.retired_models, settings.strict_parameters) == ("refuse", True)


def test_memory_of_lookups_is_bounded() -> None:
    profiles = Profiles.load()
    for number in range(3_000):
        profiles.profile_of(OPENAI, f"gpt-6-luna-{number}")
    assert len(vars(profiles)["_found"]) <= 1_000
