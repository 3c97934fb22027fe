"""What an event loop would only log: errors in callbacks and of tasks that nobody awaits."""

import asyncio
from typing import Any

import pytest


class LoopErrors:
    """Collects them for one loop; `fail_on_any` turns them into a failed test."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._contexts: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda _, context: self._contexts.append(context))

    def fail_on_any(self) -> None:
        if self._contexts:
            shown = "; ".join(
                f"{context['message']}: {context.get('exception')!r}" for context in self._contexts
            )
            pytest.fail(f"the event loop reported errors: {shown}")
