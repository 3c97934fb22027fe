"""How scripts are run, read from `LLMBUS_…` variables."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["ScriptSettings"]


class ScriptSettings(BaseSettings):
    """The subprocess path of one process."""

    model_config = SettingsConfigDict(
        env_prefix="LLMBUS_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    fallback_python: Path = Field(default_factory=lambda: Path(sys.executable))
    """LLMBUS_FALLBACK_PYTHON: the interpreter that runs the scripts; llmbus must be installed
    there."""
    scripts_dir: Path | None = None
    """LLMBUS_SCRIPTS_DIR: where the `execute_*.py` are; None means those of llmbus itself."""
    fallback_timeout_seconds: float = Field(default=3600.0, gt=0, le=1e9)
    """How long one script may run, for tasks that do not say."""
    fallback_output_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    """How much a script may write to stdout, and to stderr, before it is ended."""
    fallback_concurrency: int = Field(default=2, ge=1)
    """How many scripts the fallback consumer runs at once."""
