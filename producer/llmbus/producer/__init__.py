"""What an orchestrator imports. Loads no LLM SDK and, until it connects, no AMQP client."""

from llmbus.producer.handle import TaskHandle
from llmbus.producer.producer import PartialSubmitError, Producer

__all__ = ["PartialSubmitError", "Producer", "TaskHandle"]
