"""Reading why a result failed."""

from llmbus.shared import ExecutionResult, FailureKind


def failure_kind(result: ExecutionResult) -> FailureKind:
    assert result.failure is not None, result
    return result.failure.kind
