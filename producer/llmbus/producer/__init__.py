"""What an orchestrator imports. Loads no LLM SDK and, until it connects, no AMQP client."""

from llmbus.producer.bus_executor import BusExecutor
from llmbus.producer.handle import TaskHandle
from llmbus.producer.orchestrator import ProjectOrchestrator
from llmbus.producer.partial_submit import PartialSubmitError
from llmbus.producer.producer import Producer
from llmbus.producer.project_report import ProjectReport
from llmbus.producer.task_execution import DurableExecution, TaskExecution

__all__ = [
    "BusExecutor",
    "DurableExecution",
    "PartialSubmitError",
    "Producer",
    "ProjectOrchestrator",
    "ProjectReport",
    "TaskExecution",
    "TaskHandle",
]
