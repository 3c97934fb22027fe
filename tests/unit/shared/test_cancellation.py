"""A cancellation that a library loses is raised all the same; none is invented."""

from __future__ import annotations

import asyncio

import pytest

from llmbus.shared.cancellation import no_cancellation_lost


class Library:
    """Loses a cancellation, and then returns or fails."""

    def __init__(self, error: Exception | None) -> None:
        self.called = asyncio.Event()
        self._error = error

    async def call(self) -> None:
        try:
            self.called.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self._error is not None:
                raise self._error from None


async def guarded(library: Library) -> None:
    with no_cancellation_lost():
        await library.call()


@pytest.mark.parametrize("error", [None, OSError("reset")], ids=["returns", "fails"])
async def test_a_lost_cancellation_is_raised_at_the_end(error: Exception | None) -> None:
    library = Library(error)
    task = asyncio.create_task(guarded(library))
    await library.called.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_around_it_still_ends_in_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await guarded(Library(None))


async def test_an_error_without_a_cancellation_stays_what_it_is() -> None:
    with pytest.raises(OSError, match="reset"), no_cancellation_lost():
        raise OSError("reset")


async def test_what_was_cancelled_before_may_go_on() -> None:
    async def clean_up() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with no_cancellation_lost():
                await asyncio.sleep(0)
            return "cleaned up"
        return "never"

    task = asyncio.create_task(clean_up())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "cleaned up"
