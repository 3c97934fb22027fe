"""The contract for other languages: JSON Schema and AsyncAPI, generated from the types.

python -m llmbus.ops.contract docs/contract             write the files
python -m llmbus.ops.contract docs/contract --check     fail if they are not what we speak
"""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from llmbus.shared import envelope, result_envelope
from llmbus.shared.codec import JSON, MAX_BODY_BYTES, MSGPACK
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import SCHEMA_VERSION, AgentTask, TaskPriority
from llmbus.shared.topology import Layout

__all__ = ["contract_files"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def contract_files() -> dict[str, str]:
    """The text of every contract file, by its name."""
    return {
        "agent-task.schema.json": _text(_json_schema(AgentTask)),
        "execution-result.schema.json": _text(_json_schema(ExecutionResult)),
        "asyncapi.json": _text(_asyncapi()),
    }


def _json_schema(kind: type) -> dict[str, Any]:
    return {"$schema": _DIALECT, **_steady(msgspec.json.schema(kind))}


def _asyncapi() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(
        [AgentTask, ExecutionResult, RequestedAgent], ref_template="#/components/schemas/{name}"
    )
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
        "components": {"schemas": _steady(schemas), "messages": _messages()},
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


def _messages() -> dict[str, Any]:
    urgency = ", ".join(f"{priority.value} {priority.amqp}" for priority in TaskPriority)
    return {
        "task": {
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
        },
        "result": {
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
        },
    }


def _steady(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without what differs from one generation to the next: msgspec writes a default
    that a factory makes, such as the current time, as it was at this moment."""
    for struct in schema.get("$defs", schema).values():
        struct["description"] = inspect.cleandoc(struct.get("description", ""))
        struct.get("properties", {}).get("created_at", {}).pop("default", None)
    return schema


def _text(document: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic")).decode() + "\n"


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m llmbus.ops.contract", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    for name, text in contract_files().items():
        path = folder / name
        if not arguments.check:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"{path} is not what the code speaks: run `make contract` and commit it")


if __name__ == "__main__":
    _main()
