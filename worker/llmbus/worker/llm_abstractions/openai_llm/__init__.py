"""OpenAI's models, by chat completions or Responses, and those of servers that speak the former.
The SDK is imported when one of the names here is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmbus.shared.lazy_names import lazy_names

if TYPE_CHECKING:
    from llmbus.worker.llm_abstractions.openai_llm.compatible import CustomLlm, MetaLlamaLlm
    from llmbus.worker.llm_abstractions.openai_llm.llm import OpenAILlm

__all__ = ["CustomLlm", "MetaLlamaLlm", "OpenAILlm"]

__getattr__ = lazy_names(
    __name__,
    {
        "CustomLlm": f"{__name__}.compatible",
        "MetaLlamaLlm": f"{__name__}.compatible",
        "OpenAILlm": f"{__name__}.llm",
    },
)
