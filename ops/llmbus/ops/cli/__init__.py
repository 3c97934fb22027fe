"""The `llmbus` command. Its exit codes are in `exit_codes`, its commands in `app`."""

from llmbus.ops.cli.app import main

__all__ = ["main"]
