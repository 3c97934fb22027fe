"""Model profiles: what each model takes, when it goes and what comes after it. Data, not code."""

from llmbus.worker.llm_abstractions.profiles.lookup import Profiles, builtin_profiles
from llmbus.worker.llm_abstractions.profiles.model_profile import (
    Endpoint,
    ModelProfile,
    Sampling,
    Thinking,
    WhenRetired,
)

__all__ = [
    "Endpoint",
    "ModelProfile",
    "Profiles",
    "Sampling",
    "Thinking",
    "WhenRetired",
    "builtin_profiles",
]
