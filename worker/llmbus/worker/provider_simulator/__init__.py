"""A local stand-in for the model providers, for tests and demonstrations without keys or costs.

It speaks Anthropic's Messages, OpenAI's Chat Completions and Responses, and Gemini's
generateContent, refuses what those services refuse, and fails as it is told. It needs aiohttp,
which the extras `openai`, `anthropic` and `gemini` bring.
"""

from llmbus.worker.provider_simulator.acceptance import WRONG_KEY
from llmbus.worker.provider_simulator.behaviour import (
    Behaviour,
    Body,
    Connection,
    Finish,
    OnlyFor,
    Stream,
    Vendor,
)
from llmbus.worker.provider_simulator.received import Received, fingerprint
from llmbus.worker.provider_simulator.server import Simulator

__all__ = [
    "WRONG_KEY",
    "Behaviour",
    "Body",
    "Connection",
    "Finish",
    "OnlyFor",
    "Received",
    "Simulator",
    "Stream",
    "Vendor",
    "fingerprint",
]
