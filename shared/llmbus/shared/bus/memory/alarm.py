"""A resource alarm: what is published meanwhile is held back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Alarm"]


class Alarm:
    """As in RabbitMQ, publishes wait for its end, also those whose publisher waits no longer."""

    def __init__(self) -> None:
        self._is_raised = False
        self._held: list[tuple[Callable[[], None], asyncio.Future[None]]] = []

    @property
    def is_raised(self) -> bool:
        return self._is_raised

    def begin(self) -> None:
        self._is_raised = True

    def end(self) -> None:
        """Let through what was held back, in its order."""
        self._is_raised = False
        held, self._held = self._held, []
        for publish, published in held:
            try:
                publish()
            except Exception as error:
                if not published.done():
                    published.set_exception(error)
            else:
                if not published.done():
                    published.set_result(None)

    def hold(self, publish: Callable[[], None]) -> asyncio.Future[None]:
        """Done when the alarm is over and `publish` has run, with its error."""
        published = asyncio.get_running_loop().create_future()
        self._held.append((publish, published))
        return published
