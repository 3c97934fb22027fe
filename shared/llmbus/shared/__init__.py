"""The contract: what producers and workers must agree on. Imports neither of them."""

from llmbus.shared.agents import AgentCapability, AgentConfig, AgentInterface, AgentType
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind, Usage
from llmbus.shared.task import (
    SCHEMA_VERSION,
    AgentTask,
    ProjectPhase,
    TaskPriority,
    TaskStatus,
    UnknownOutcomePolicy,
)

__all__ = [
    "SCHEMA_VERSION",
    "AgentCapability",
    "AgentConfig",
    "AgentInterface",
    "AgentRegistry",
    "AgentTask",
    "AgentType",
    "ExecutionResult",
    "ExecutionStatus",
    "Failure",
    "FailureKind",
    "ProjectPhase",
    "TaskPriority",
    "TaskStatus",
    "UnknownOutcomePolicy",
    "Usage",
]
