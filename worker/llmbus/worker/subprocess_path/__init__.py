"""placeholder"""

import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from llmbus.shared.clock import Clock
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import AgentTask


class ScriptSettings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="LLMBUS_", env_ignore_empty=True, frozen=True, extra="ignore"
    )
    fallback_python: Path = Path(sys.executable)
    scripts_dir: Path | None = None
    fallback_timeout_seconds: float = 3600.0
    fallback_output_bytes: int = 8 * 1024 * 1024
    fallback_concurrency: int = 2


@dataclass(frozen=True)
class ScriptEnd:
    result: ExecutionResult
    stderr_tail: str


class ScriptRunner:
    def __init__(self, settings: ScriptSettings, clock: Clock) -> None: ...
    async def run(
        self,
        task: AgentTask,
        agent: RequestedAgent,
        *,
        reason: str | None = None,
        timeout: timedelta | None = None,
    ) -> ScriptEnd:
        raise NotImplementedError
