"""What a call cost, by the price list of `genai-prices` where it is installed (extra `prices`)."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, Final

import msgspec

from llmbus.shared import AgentType, Usage

__all__ = ["cost_usd", "load_prices", "with_cost"]

_log = logging.getLogger("llmbus.worker.llm")

_PRICE_LIST_NAMES: Final[dict[str, str]] = {
    AgentType.ANTHROPIC_CLAUDE: "anthropic",
    AgentType.OPENAI_GPT: "openai",
    AgentType.GOOGLE_GEMINI: "google",
}
"""Providers with public prices. What a server of one's own costs, nobody can look up."""


def cost_usd(
    provider: str, model: str, usage: Usage, *, cache_write_tokens: int = 0
) -> float | None:
    """US dollars for this usage; None if it is not known, never 0 in its place.

    Unknown: another provider, a model that is not in the list, or no list installed. The price is
    that of the standard tier, without discounts.
    """
    name = _PRICE_LIST_NAMES.get(provider)
    prices = load_prices() if name else None
    if prices is None:
        return None
    try:
        counted = prices.Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cached_tokens,
            cache_write_tokens=cache_write_tokens,
        )
        price = float(prices.calc_price(counted, model, provider_id=name).total_price)
    except LookupError:
        return None
    except Exception:
        # The answer is paid for: a price list that stumbles over it must not lose it.
        _log.warning("price_unknown", exc_info=True, extra={"fields": {"model": model}})
        return None
    return price or None


def with_cost(
    usage: Usage | None, provider: str, model: str, *, cache_write_tokens: int = 0
) -> Usage | None:
    """The usage with its cost filled in, where that is known and not filled in already."""
    if usage is None or usage.cost_usd is not None:
        return usage
    cost = cost_usd(provider, model, usage, cache_write_tokens=cache_write_tokens)
    return msgspec.structs.replace(usage, cost_usd=cost)


@cache
def load_prices() -> Any | None:
    """The price list, or None. The first call takes half a second, so it belongs in a thread
    (`LlmFactory.load` does it)."""
    try:
        prices: Any = import_module("genai_prices")
    except ImportError:
        return None
    with suppress(LookupError):  # reads the list, which the import does not
        prices.calc_price(prices.Usage(input_tokens=1), "gpt-4o", provider_id="openai")
    return prices
