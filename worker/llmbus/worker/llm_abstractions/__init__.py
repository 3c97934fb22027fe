"""Asking models: one behaviour for every provider. Importing this loads no SDK."""

from llmbus.worker.llm_abstractions.base_llm import (
    BaseLlm,
    LlmReply,
    LlmRequest,
    Message,
    TaskOrigin,
    TextDelta,
    ToolCall,
)
from llmbus.worker.llm_abstractions.errors import LlmError, ProviderUnusableError
from llmbus.worker.llm_abstractions.factory import LlmFactory, Providers
from llmbus.worker.llm_abstractions.scripted import Script, ScriptedLlm, ScriptedProviders

__all__ = [
    "BaseLlm",
    "LlmError",
    "LlmFactory",
    "LlmReply",
    "LlmRequest",
    "Message",
    "ProviderUnusableError",
    "Providers",
    "Script",
    "ScriptedLlm",
    "ScriptedProviders",
    "TaskOrigin",
    "TextDelta",
    "ToolCall",
]
