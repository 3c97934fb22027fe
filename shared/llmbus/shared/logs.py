"""How a program of llmbus writes its log. Libraries only log; programs decide how it looks."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from enum import StrEnum
from typing import Any, Final

import structlog

__all__ = ["LogFormat", "configure_logs"]

_CREDENTIALS_IN_URL: Final = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@]*@")


class LogFormat(StrEnum):
    """How a log line looks."""

    AUTO = "auto"
    """For people on a terminal, JSON elsewhere."""
    TEXT = "text"
    JSON = "json"


def configure_logs(log_format: LogFormat = LogFormat.AUTO, level: int = logging.INFO) -> None:
    """Write all of the process's log to stderr, one line per event, without any address's
    password. Call it once, at a program's start."""
    is_text = log_format is LogFormat.TEXT or (log_format is LogFormat.AUTO and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if is_text
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(allow=["fields"]),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _lift_fields,
                structlog.processors.format_exc_info,
                _without_credentials,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("llmbus").setLevel(level)


def _lift_fields(_logger: object, _name: str, event: MutableMapping[str, Any]) -> Any:
    event.update(event.pop("fields", None) or {})
    return event


def _without_credentials(_logger: object, _name: str, event: MutableMapping[str, Any]) -> Any:
    for name, value in event.items():
        if isinstance(value, str) and "://" in value:
            event[name] = _CREDENTIALS_IN_URL.sub(r"\1", value)
    return event
