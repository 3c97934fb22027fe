"""What a call cost."""

import sys

import pytest

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.accounting import cost_usd, load_prices, with_cost

THOUSAND = Usage(input_tokens=1_000, output_tokens=1_000)


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai-gpt", "gpt-4o", 0.0125),
        ("openai-gpt", "gpt-4o-2024-11-20", 0.0125),
        ("openai-gpt", "gpt-6-luna", 0.0006),
        ("anthropic-claude", "claude-sonnet-5-5", 0.012),
        ("google-gemini", "gemini-3.8-flash", 0.0045),
    ],
)
def test_cost_is_looked_up(provider: str, model: str, expected: float) -> None:
    assert cost_usd(provider, model, THOUSAND) == pytest.approx(expected)


def test_cached_tokens_cost_less() -> None:
    cached = Usage(input_tokens=1_000, output_tokens=1_000, cached_tokens=1_000)
    assert cost_usd("openai-gpt", "gpt-4o", cached) == pytest.approx(0.01125)


def test_written_cache_costs_more() -> None:
    plain = cost_usd("anthropic-claude", "claude-sonnet-5-5", THOUSAND)
    written = cost_usd("anthropic-claude", "claude-sonnet-5-5", THOUSAND, cache_write_tokens=1_000)
    assert plain is not None
    assert written is not None
    assert written > plain


@pytest.mark.parametrize(
    ("provider", "model", "usage"),
    [
        ("openai-gpt", "no-such-model", THOUSAND),
        ("custom", "gpt-4o", THOUSAND),
        ("scripted", "scripted", THOUSAND),
        ("openai-gpt", "gpt-4o", Usage()),
        ("openai-gpt", "gpt-4o", Usage(input_tokens=1, output_tokens=1, cached_tokens=-5)),
    ],
)
def test_what_is_not_known_is_none_and_never_free(provider: str, model: str, usage: Usage) -> None:
    assert cost_usd(provider, model, usage) is None


def test_without_a_price_list_no_cost_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    load_prices.cache_clear()
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    try:
        assert cost_usd("openai-gpt", "gpt-4o", THOUSAND) is None
    finally:
        load_prices.cache_clear()


def test_cost_that_is_filled_in_stays() -> None:
    assert with_cost(None, "openai-gpt", "gpt-4o") is None
    known = Usage(1_000, 1_000, cost_usd=0.5)
    assert with_cost(known, "openai-gpt", "gpt-4o") is known
    filled = with_cost(THOUSAND, "openai-gpt", "gpt-4o")
    assert filled is not None
    assert filled.cost_usd == pytest.approx(0.0125)
