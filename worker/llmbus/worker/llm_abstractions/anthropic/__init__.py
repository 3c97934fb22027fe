"""Anthropic's models, by the Messages API. The SDK is imported when `AnthropicLlm` is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmbus.shared.lazy_names import lazy_names

if TYPE_CHECKING:
    from llmbus.worker.llm_abstractions.anthropic.llm import AnthropicLlm

__all__ = ["AnthropicLlm"]

__getattr__ = lazy_names(__name__, {"AnthropicLlm": f"{__name__}.llm"})
