"""Models behind any server that speaks OpenAI's chat completions: vLLM, Ollama, llama.cpp."""

from __future__ import annotations

from typing import ClassVar

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.openai_llm.llm import OpenAILlm
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules

__all__ = ["CustomLlm", "MetaLlamaLlm"]

_PATH = "/chat/completions"


class CustomLlm(OpenAILlm):
    """A model of a server of one's own. A key is optional; OpenAI's is never sent there."""

    agent_type: ClassVar[AgentType] = AgentType.CUSTOM
    provider = agent_type.value
    address_variable: ClassVar[str | None] = None
    SUPPORTED_MODELS: ClassVar[tuple[str, ...]] = ()
    """Whatever the server has."""

    def __init__(
        self,
        model: str | None = None,
        *,
        api_endpoint: str,
        api_key: str | None = None,
        rules: ModelRules | None = None,
    ) -> None:
        address = api_endpoint.rstrip("/").removesuffix(_PATH)
        super().__init__(model, api_key=api_key or "", api_endpoint=address, rules=rules)


class MetaLlamaLlm(CustomLlm):
    """A Llama model, wherever it is served."""

    agent_type: ClassVar[AgentType] = AgentType.META_LLAMA
    provider = agent_type.value
