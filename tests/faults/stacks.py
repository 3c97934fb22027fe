"""What a program is doing: for the log of a program that does not end."""

from __future__ import annotations

import asyncio
import signal
import sys

__all__ = ["SHOW_TASKS", "show_tasks_on_signal"]

SHOW_TASKS = signal.SIGUSR1


def show_tasks_on_signal() -> None:
    """From now on the signal writes the stack of every asyncio task to stderr."""
    asyncio.get_running_loop().add_signal_handler(SHOW_TASKS, _show_tasks)


def _show_tasks() -> None:
    for task in asyncio.all_tasks():
        print(task.get_name(), file=sys.stderr)
        task.print_stack(file=sys.stderr)
