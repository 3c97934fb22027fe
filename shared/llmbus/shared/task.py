"""`AgentTask`: what is asked for. Names, defaults and wire values are a compatibility contract."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from llmbus.shared.errors import InvalidTaskError, UnsupportedSchemaError

__all__ = [
    "SCHEMA_VERSION",
    "AgentTask",
    "Moment",
    "ProjectPhase",
    "TaskPriority",
    "TaskStatus",
    "UnknownOutcomePolicy",
]

SCHEMA_VERSION: Final = 1
"""The version of the wire contract that this release writes, and the only one it reads."""


# What the schema for other languages says of a field. Python checks most of it in `validate`, with
# texts that say what to do; only the time zone is checked by the decoder itself.
_POSITIVE: Final = msgspec.Meta(extra_json_schema={"exclusiveMinimum": 0})
Required = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1})]
Positive = Annotated[float, _POSITIVE]
Moment = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""ISO 8601; existing callers also write it without a time zone."""
ZonedMoment = Annotated[datetime, msgspec.Meta(tz=True)]


class TaskPriority(StrEnum):
    """How urgent a task is; `amqp` is the number that the broker sorts by."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def amqp(self) -> int:
        """The AMQP message priority, 0 to 9; larger is sooner."""
        return _AMQP_PRIORITY[self]


_AMQP_PRIORITY: Final = {
    TaskPriority.CRITICAL: 9,
    TaskPriority.HIGH: 7,
    TaskPriority.MEDIUM: 4,
    TaskPriority.LOW: 1,
}


class ProjectPhase(StrEnum):
    """Where in a project the task belongs."""

    PLANNING = "planning"
    DESIGN = "design"
    DEVELOPMENT = "development"
    TESTING = "testing"
    DEPLOYMENT = "deployment"
    MAINTENANCE = "maintenance"


class TaskStatus(StrEnum):
    """Where in its life a task is, as an orchestrator keeps it."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class UnknownOutcomePolicy(StrEnum):
    """What to do when a request was sent and no answer came, so that it may have been billed."""

    GIVE_UP = "give_up"
    """The task has failed as `outcome_unknown`: whether to pay again is the caller's decision."""
    RETRY = "retry"
    """Ask again, as for any failure that may pass: an answer is worth a second bill."""


class AgentTask(msgspec.Struct):
    """One task for one agent.

    `agent` is the name of a registered agent. The fields up to `metadata` are those of the
    interface that existing callers use; the rest is for the bus. Raises `InvalidTaskError`
    (a `ValueError`) that names the field when one is empty or out of range.
    """

    task_id: Required
    title: Required
    description: Required
    agent: Required
    priority: TaskPriority = TaskPriority.MEDIUM
    phase: ProjectPhase = ProjectPhase.DEVELOPMENT
    dependencies: list[str] = []
    estimated_hours: Positive = 1.0
    deliverables: list[str] = []
    success_criteria: list[str] = []
    commands: list[str] = []
    tags: list[str] = []
    output_files: list[str] = []
    status: TaskStatus = TaskStatus.PENDING
    started_at: Moment | None = None
    completed_at: Moment | None = None
    notes: str = ""
    metadata: dict[str, Any] = {}
    schema_version: int = SCHEMA_VERSION
    created_at: ZonedMoment = msgspec.field(default_factory=lambda: datetime.now(UTC))
    deadline: ZonedMoment | None = None
    """No run starts after this moment, and a running one is cut at it. Needs a time zone."""
    timeout_seconds: Positive | None = None
    """How long one attempt may run; None leaves it to the worker."""
    max_attempts: Annotated[int, _POSITIVE] | None = None
    """How many runs may start at most; None leaves it to the worker."""
    on_unknown_outcome: UnknownOutcomePolicy = UnknownOutcomePolicy.GIVE_UP
    """Whether to ask again when it cannot be known whether the call was made and billed."""
    tenant: str | None = None
    """On whose behalf; kept through every retry."""

    def __post_init__(self) -> None:
        self.validate()

    def validate(self) -> None:
        """Check what the types alone do not say. Fields may be set after construction, so the
        bus calls this again when the task is submitted."""
        if self.schema_version != SCHEMA_VERSION:
            raise UnsupportedSchemaError(
                f"schema_version {self.schema_version!r} is unknown here (known: {SCHEMA_VERSION}):"
                " upgrade llmbus on the side that reads it"
            )
        for name in ("task_id", "title", "description", "agent"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise InvalidTaskError(f"{name} is required")
        self._require_positive("estimated_hours", self.estimated_hours)
        self._require_positive("timeout_seconds", self.timeout_seconds)
        self._require_positive("max_attempts", self.max_attempts)
        for name in ("created_at", "deadline"):
            moment = getattr(self, name)
            if isinstance(moment, datetime) and moment.tzinfo is None:
                raise InvalidTaskError(
                    f"{name} needs a time zone, for example datetime.now(UTC) + timedelta(hours=1)"
                )

    def _require_positive(self, name: str, value: float | None) -> None:
        is_number = isinstance(value, int | float) and math.isfinite(value)
        if value is not None and not (is_number and value > 0):
            raise InvalidTaskError(f"{name} must be positive, not {value!r}")

    def is_ready(self, completed_task_ids: Collection[str]) -> bool:
        """Whether the task waits to be started and all that it depends on is completed."""
        return self.status is TaskStatus.PENDING and not self.is_blocked(completed_task_ids)

    def is_blocked(self, completed_task_ids: Collection[str]) -> bool:
        """Whether something that this task depends on is not completed yet."""
        return any(task_id not in completed_task_ids for task_id in self.dependencies)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON; `from_dict` gives back an equal task."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AgentTask:
        """The task that `to_dict` described. Unknown keys are ignored, `InvalidTaskError` names
        a missing or wrong one."""
        for name in ("task_id", "title", "description", "agent"):
            if name not in values:
                raise InvalidTaskError(f"{name} is required")
        try:
            return msgspec.convert(dict(values), cls)
        except msgspec.ValidationError as error:
            if isinstance(error.__cause__, UnsupportedSchemaError):
                raise error.__cause__ from None
            raise InvalidTaskError(str(error)) from error
