"""How one worker process behaves, read from `LLMBUS_…` variables; the command line overrides."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from llmbus.shared.errors import ConfigurationError, InvalidInputError
from llmbus.shared.result import FailureKind
from llmbus.shared.topology import checked_name
from llmbus.worker.claim_terms import ClaimTerms
from llmbus.worker.direct_path import DirectPathSettings

__all__ = ["WorkerSettings", "slots_per_lane"]


def _own_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


class WorkerSettings(DirectPathSettings):
    """One worker process."""

    worker_id: str = Field(default_factory=_own_name)
    lanes: Annotated[tuple[str, ...], NoDecode] = ()
    """LLMBUS_LANES, separated by commas; `lane=N` gives a lane N slots of its own. Empty means
    every agent type that is usable here."""
    concurrency: int = Field(default=16, ge=1)
    """How many tasks run at once, shared out evenly among the lanes without a number."""
    grace_seconds: float = Field(default=30.0, ge=0)
    """How long running tasks may go on after SIGTERM before they are returned."""
    max_attempts: int = Field(default=3, ge=1)
    """For tasks that do not say."""
    retry_budgets: Annotated[dict[FailureKind, int], NoDecode] = Field(
        default_factory=dict[FailureKind, int]
    )
    """LLMBUS_RETRY_BUDGETS, such as `rate_limited=5,unavailable=3`: how many attempts of a task may
    fail in one kind. The bound of all its attempts stays."""
    fallback_after_retries: bool = True
    """Whether a task whose attempts are used up by failures that may pass (`rate_limited`,
    `unavailable`) goes to the fallback; else it has failed."""
    task_timeout_seconds: float = Field(default=3600.0, gt=0)
    """How long one attempt may run, for tasks that do not say."""
    advertise_seconds: float = Field(default=4.0, gt=0, le=5.0)
    """How often the worker advertises itself. Its entry lives three times as long, so a worker that
    is killed is gone from the list within 15 s."""
    claim_seconds: float = Field(default=15.0, ge=0.1)
    """How long a task stays claimed by a worker that died; then another one runs it."""
    remember_seconds: float = Field(default=24 * 3600.0, ge=1)
    """How long results are kept, to be given again to whoever submits the same task again."""
    hand_over_seconds: float | None = Field(default=None, gt=0)
    """How long a message of a running task stays unsettled before a copy takes its place. Default:
    seven tenths of the time after which this broker takes a message back."""
    max_crashes: int = Field(default=3, ge=1)
    """How many workers a task may kill before it is given up and parked."""
    health_port: int = Field(default=0, ge=0, le=65_535)
    """Where probes are answered over HTTP; 0 means nowhere."""
    health_host: str = "127.0.0.1"
    """The address to listen on for probes; `0.0.0.0` for all of this machine's."""
    watchdog_seconds: float = Field(default=10.0, gt=0)
    """How often the broker is asked whether it sees our consumers."""
    max_loop_lag_seconds: float = Field(default=5.0, gt=0)
    """An event loop that is later than this makes the worker not ready."""
    scripted: Path | None = None
    """LLMBUS_SCRIPTED: a file of scripted answers that replaces every provider."""

    @property
    def claim_terms(self) -> ClaimTerms:
        """For how long claims and results are remembered."""
        return ClaimTerms(
            lifetime=timedelta(seconds=self.claim_seconds),
            remembered=timedelta(seconds=max(self.remember_seconds, self.claim_seconds)),
            max_crashes=self.max_crashes,
        )

    @field_validator("retry_budgets", mode="before")
    @classmethod
    def _split_budgets(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = (part.partition("=") for part in value.split(",") if part.strip())
        return {kind.strip(): number.strip() for kind, _, number in pairs}

    @field_validator("lanes", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value


def slots_per_lane(lanes: tuple[str, ...], concurrency: int) -> dict[str, int]:
    """How many tasks of each lane may run at once: the sum is what the worker can do.

    Every lane has slots of its own, because the broker's prefetch is per consumer: a shared pool
    would have to hold messages that it cannot start, and an urgent task would wait behind them
    (docs/decisions/0005). `ConfigurationError` if there are fewer slots than lanes.
    """
    fixed: dict[str, int] = {}
    sharing: list[str] = []
    for lane in lanes:
        name, _, number = lane.partition("=")
        try:
            checked_name(name, "lane")
        except InvalidInputError as error:
            raise ConfigurationError(f"LLMBUS_LANES (--lanes): {error}") from None
        if name in fixed or name in sharing:
            raise ConfigurationError(f"LLMBUS_LANES (--lanes): lane {name!r} is given twice")
        if not number:
            sharing.append(name)
        elif number.isdecimal() and int(number) >= 1:
            fixed[name] = int(number)
        else:
            raise ConfigurationError(
                f"LLMBUS_LANES (--lanes): {lane!r} must be a lane or lane=N, with N from 1"
            )
    if sharing and concurrency < len(sharing):
        raise ConfigurationError(
            f"LLMBUS_CONCURRENCY (--concurrency): {concurrency} slots cannot serve"
            f" {len(sharing)} lanes; give at least one for each"
        )
    share, rest = divmod(concurrency, len(sharing)) if sharing else (0, 0)
    shared_out = {name: share + (place < rest) for place, name in enumerate(sharing)}
    return fixed | shared_out
