"""The contract for other languages: JSON Schema and AsyncAPI, generated from the types.

python -m llmbus.ops.contract docs/contract             write the files
python -m llmbus.ops.contract docs/contract --check     fail if they are not what we speak
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from llmbus.ops.asyncapi import asyncapi
from llmbus.ops.json_schemas import json_schema
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import AgentTask

__all__ = ["contract_files"]


def contract_files() -> dict[str, str]:
    """The text of every contract file, by its name."""
    return {
        "agent-task.schema.json": _text(json_schema(AgentTask)),
        "execution-result.schema.json": _text(json_schema(ExecutionResult)),
        "asyncapi.json": _text(asyncapi()),
    }


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
