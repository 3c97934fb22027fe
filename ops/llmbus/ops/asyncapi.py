"""The AsyncAPI document: what travels over which exchange."""

from __future__ import annotations

from typing import Any

from llmbus.ops.json_schemas import schema_components
from llmbus.shared import envelope, result_envelope
from llmbus.shared.codec import JSON, MAX_BODY_BYTES, MSGPACK
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import SCHEMA_VERSION, AgentTask, TaskPriority
from llmbus.shared.topology import Layout

__all__ = ["asyncapi"]


def asyncapi() -> dict[str, Any]:
    """The document: channels, operations and messages."""
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "llmbus",
            "version": str(SCHEMA_VERSION),
            "description": "Tasks for LLM agents and their results, on RabbitMQ (AMQP 0-9-1)."
            f" A body is {JSON} or {MSGPACK} and takes at most {MAX_BODY_BYTES} bytes. Readers"
            " ignore fields they do not know and refuse a schema_version they do not know.",
        },
        "defaultContentType": JSON,
        "channels": {"tasks": _tasks_channel(), "results": _results_channel()},
        "operations": {
            "submitTask": _operation("send", "tasks", {"reply": _reply()}),
            "takeResult": _operation("receive", "results", {}),
        },
        "components": {
            "schemas": schema_components([AgentTask, ExecutionResult, RequestedAgent]),
            "messages": {"task": _task_message(), "result": _result_message()},
        },
    }


def _tasks_channel() -> dict[str, Any]:
    return {
        "address": "{lane}",
        "title": f"Exchange {Layout().tasks}; the routing key is the lane",
        "messages": {"task": {"$ref": "#/components/messages/task"}},
        "parameters": {"lane": {"description": "An agent type such as openai-gpt."}},
        "bindings": _direct_exchange(Layout().tasks),
    }


def _results_channel() -> dict[str, Any]:
    return {
        "address": "{orchestrator}",
        "title": f"Exchange {Layout().results}; the routing key is the orchestrator's name",
        "messages": {"result": {"$ref": "#/components/messages/result"}},
        "parameters": {"orchestrator": {"description": "What the task's reply_to says."}},
        "bindings": _direct_exchange(Layout().results),
    }


def _direct_exchange(name: str) -> dict[str, Any]:
    exchange = {"name": name, "type": "direct", "durable": True, "autoDelete": False}
    return {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}}


def _operation(action: str, channel: str, more: dict[str, Any]) -> dict[str, Any]:
    amqp: dict[str, Any] = {"bindingVersion": "0.3.0"}
    if action == "send":
        amqp |= {"deliveryMode": 2, "mandatory": True}
    else:
        amqp |= {"ack": True}
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "bindings": {"amqp": amqp},
        **more,
    }


def _reply() -> dict[str, Any]:
    return {
        "address": {
            "location": "$message.header#/replyTo",
            "description": "The AMQP property reply_to holds the orchestrator's name.",
        },
        "channel": {"$ref": "#/channels/results"},
    }


def _task_message() -> dict[str, Any]:
    urgency = ", ".join(f"{priority.value} {priority.amqp}" for priority in TaskPriority)
    return {
        "name": envelope.TASK_TYPE,
        "contentType": JSON,
        "payload": {"$ref": "#/components/schemas/AgentTask"},
        "correlationId": {"location": "$message.payload#/task_id"},
        "description": "AMQP properties: type, correlation_id = task_id, a message_id that is"
        f" new for every publish, reply_to, delivery_mode 2, timestamp, priority ({urgency}).",
        "headers": {
            "type": "object",
            "properties": {
                envelope.ATTEMPT: {
                    "type": "integer",
                    "minimum": 1,
                    "default": 1,
                    "description": "Which run this hand-over is for.",
                },
                envelope.AGENT: {
                    "type": "string",
                    "contentMediaType": JSON,
                    "description": "JSON of schema RequestedAgent. Without it the worker must"
                    " know the task's agent by its name.",
                },
                envelope.FIRST_AT: {
                    "type": "string",
                    "format": "date-time",
                    "description": "When the task was submitted; the same on every publish of"
                    " one submission.",
                },
                envelope.TENANT: {"type": "string"},
            },
        },
    }


def _result_message() -> dict[str, Any]:
    return {
        "name": result_envelope.RESULT_TYPE,
        "contentType": JSON,
        "payload": {"$ref": "#/components/schemas/ExecutionResult"},
        "correlationId": {"location": "$message.payload#/task_id"},
        "description": "May come more than once: drop duplicates by task_id, but not the answer"
        f" to a later redrive ({envelope.ANSWERED_REDRIVE}) of a task that had failed.",
        "headers": {
            "type": "object",
            "properties": {
                envelope.TENANT: {"type": "string"},
                envelope.ANSWERED_REDRIVE: {
                    "type": "integer",
                    "minimum": 0,
                    "default": 0,
                    "description": "Which redrive of the task from parking this answers.",
                },
                envelope.ANSWERED_SUBMISSION: {
                    "type": "string",
                    "format": "date-time",
                    "description": "When the task was submitted that this answers. A success"
                    " answers later submissions of the same task, too.",
                },
            },
        },
    }
